#include "common/config/schema.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "anneal/v1/config.pb.h"
#include "common/config/field_path.h"
#include "common/enum_name.h"
#include "common/field_behavior.h"
#include "common/number_text.h"

namespace anneal::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const v1::ConfigField& OptionsOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::config_field);
}

bool IsMessage(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
}

void AppendFields(const Descriptor& type, const std::string& prefix,
                  std::vector<SchemaField>* fields) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const std::string path = absl::StrCat(prefix, field->name());
    fields->push_back({path, field});
    if (IsMessage(*field)) {
      AppendFields(*field->message_type(), absl::StrCat(path, field->is_repeated() ? ".N." : "."),
                   fields);
    }
  }
}

// For each message type, a message whose direct fields have their defaults.
using Defaults = std::map<const Descriptor*, std::unique_ptr<Message>>;

void AddDefaults(const Message& prototype, Defaults* defaults) {
  const Descriptor* type = prototype.GetDescriptor();
  std::unique_ptr<Message>& own = (*defaults)[type];
  if (own != nullptr) return;
  own.reset(prototype.New());
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (const std::string& text = OptionsOf(*field).default_value(); !text.empty()) {
      // Fails only for a typo in config.proto, which the schema test detects.
      (void)SetField(own.get(), field->name(), text);
    }
    if (IsMessage(*field)) {
      AddDefaults(*google::protobuf::MessageFactory::generated_factory()->GetPrototype(
                      field->message_type()),
                  defaults);
    }
  }
}

const Defaults& DefaultsOfConfig() {
  static const Defaults& defaults = *[] {
    auto* made = new Defaults;
    AddDefaults(v1::TrainingConfig::default_instance(), made);
    return made;
  }();
  return defaults;
}

// Returns `pi/4` with its decimal value, and plain numbers unchanged.
std::string BoundText(const std::string& text) {
  double value = 0;
  if (absl::SimpleAtod(text, &value) || !ParseReal(text, &value)) return text;
  return absl::StrCat(text, " (", NumberText(value), ")");
}

bool IsReal(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
}

// Returns the noun that a range counts, if it is not the value itself.
std::string Counted(const FieldDescriptor& field) {
  if (field.is_repeated()) return " elements";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) return " bytes";
  return OptionsOf(field).unit() == "radians" ? " radians" : "";
}

std::string TextOf(const v1::Range& range, const FieldDescriptor& field) {
  const std::string counted = Counted(field);
  const std::string low = BoundText(range.low());
  const std::string high = BoundText(range.high());
  if (low.empty() && high.empty()) return "";
  if (high.empty() && !range.exclude_low()) return absl::StrCat(low, " or more", counted);
  if (low.empty() && !range.exclude_high()) return absl::StrCat("at most ", high, counted);
  if (!IsReal(field)) return absl::StrCat(low, "..", high, counted);
  std::string text = "value";
  if (!low.empty()) text = absl::StrCat(low, range.exclude_low() ? " < " : " <= ", text);
  if (!high.empty()) absl::StrAppend(&text, range.exclude_high() ? " < " : " <= ", high);
  return absl::StrCat(text, counted);
}

// The value of a number or enum, the bytes of a text, or the elements of a list.
double Measure(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (field.is_repeated()) return reflection->FieldSize(message, &field);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, &field);
    case FieldDescriptor::CPPTYPE_INT64:
      return static_cast<double>(reflection->GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->GetDouble(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return reflection->GetEnumValue(message, &field);
    case FieldDescriptor::CPPTYPE_STRING:
      return static_cast<double>(reflection->GetString(message, &field).size());
    default:
      return 0;
  }
}

std::string MeasureText(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (!field.is_repeated() && field.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
    return absl::StrCat(reflection->GetInt64(message, &field));  // a double has fewer digits
  }
  const double value = Measure(message, field);
  return IsReal(field) ? NumberText(value) : absl::StrCat(static_cast<int64_t>(value));
}

// NaN is in no range that has a bound.
bool IsInRange(double value, const v1::Range& range) {
  double bound = 0;
  if (ParseReal(range.low(), &bound) && !(range.exclude_low() ? value > bound : value >= bound)) {
    return false;
  }
  return !ParseReal(range.high(), &bound) ||
         (range.exclude_high() ? value < bound : value <= bound);
}

class Checker {
 public:
  Checker(const Message& root, FieldViolations* violations)
      : root_(root), violations_(violations) {}

  // `prefix` is empty, or ends in a dot.
  void CheckMessage(const Message& message, const std::string& prefix) {
    const Descriptor* type = message.GetDescriptor();
    const auto* reflection = message.GetReflection();
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      const std::string path = absl::StrCat(prefix, field->name());
      if (field->is_repeated()) {
        CheckMeasure(message, *field, path);
        for (int j = 0; IsMessage(*field) && j < reflection->FieldSize(message, field); ++j) {
          CheckMessage(reflection->GetRepeatedMessage(message, field, j),
                       absl::StrCat(path, ".", j, "."));
        }
      } else if (!reflection->HasField(message, field)) {
        if (IsRequired(*field)) {
          violations_->Add(path, absl::StrCat("is required; allowed is ",
                                              TextOf(OptionsOf(*field).range(), *field)));
        }
      } else if (IsMessage(*field)) {
        CheckMessage(reflection->GetMessage(message, field), path + ".");
      } else if (field->enum_type() != nullptr) {
        CheckChoice(message, *field, path);
      } else {
        CheckMeasure(message, *field, path);
      }
    }
  }

 private:
  struct Limit {
    const Message* message = nullptr;
    const FieldDescriptor* field = nullptr;
  };

  // Checks that the value is a known enum value other than the unspecified one.
  void CheckChoice(const Message& message, const FieldDescriptor& field, const std::string& path) {
    const auto number = static_cast<int>(Measure(message, field));
    if (number != 0 && field.enum_type()->FindValueByNumber(number) != nullptr) return;
    violations_->Add(path, absl::StrCat("is ", number, ", which is not one of ",
                                        EnumChoices(*field.enum_type())));
  }

  void CheckMeasure(const Message& message, const FieldDescriptor& field, const std::string& path) {
    v1::Range range = OptionsOf(field).range();
    const Limit limit = LimitOf(message, range);
    std::string reason;
    if (limit.field != nullptr) {
      Narrow(field, limit, &range);
      reason = absl::StrCat(", as ", limit.field->name(), " is ",
                            MeasureText(*limit.message, *limit.field));
    }
    if (IsInRange(Measure(message, field), range)) return;
    const std::string counted =
        field.is_repeated() || field.type() == FieldDescriptor::TYPE_STRING
            ? absl::StrCat("has ", MeasureText(message, field), Counted(field))
            : absl::StrCat("is ", MeasureText(message, field));
    violations_->Add(path, absl::StrCat(counted, "; allowed is ", TextOf(range, field), reason));
  }

  // Returns the field that limits a range, if there is one and its own value is valid.
  Limit LimitOf(const Message& message, const v1::Range& range) const {
    const std::string& name = range.at_most().empty() ? range.below() : range.at_most();
    if (name.empty()) return {};
    for (const Message* where : {&message, &root_}) {
      const FieldDescriptor* field = where->GetDescriptor()->FindFieldByName(name);
      if (field == nullptr) continue;
      const bool trusted = where->GetReflection()->HasField(*where, field) &&
                           IsInRange(Measure(*where, *field), OptionsOf(*field).range());
      return trusted ? Limit{where, field} : Limit{};
    }
    return {};
  }

  static void Narrow(const FieldDescriptor& field, const Limit& limit, v1::Range* range) {
    double high = std::numeric_limits<double>::infinity();
    (void)ParseReal(range->high(), &high);
    const double value = Measure(*limit.message, *limit.field);
    const bool excluded = !range->below().empty();
    // For integers, below n means at most n - 1.
    const double most = excluded && !IsReal(field) ? value - 1 : value;
    if (most > high) return;
    range->set_high(IsReal(*limit.field) ? NumberText(most)
                                         : absl::StrCat(static_cast<int64_t>(most)));
    range->set_exclude_high(excluded && IsReal(field));
  }

  const Message& root_;
  FieldViolations* violations_;
};

}  // namespace

const v1::ConfigField& SchemaField::options() const { return OptionsOf(*field); }

bool SchemaField::is_message() const { return IsMessage(*field); }

const std::vector<SchemaField>& Schema() {
  static const auto& fields = *[] {
    auto* made = new std::vector<SchemaField>;
    AppendFields(*v1::TrainingConfig::descriptor(), "", made);
    return made;
  }();
  return fields;
}

const SchemaField* FindSchemaField(absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '.');
  const auto is_element = [](absl::string_view part) {
    return part == "N" ||
           (!part.empty() && std::all_of(part.begin(), part.end(), absl::ascii_isdigit));
  };
  for (const SchemaField& field : Schema()) {
    size_t matched = 0;
    bool matches = true;
    for (const absl::string_view name : absl::StrSplit(field.path, '.')) {
      const bool here = matched < parts.size() &&
                        (name == "N" ? is_element(parts[matched]) : parts[matched] == name);
      matches = matches && (here || name == "N");
      matched += here ? 1 : 0;
    }
    if (matches && matched == parts.size()) return &field;
  }
  return nullptr;
}

std::string RangeText(const FieldDescriptor& field) {
  const v1::Range& range = OptionsOf(field).range();
  std::string text = TextOf(range, field);
  if (!range.at_most().empty()) absl::StrAppend(&text, ", at most ", range.at_most());
  if (!range.below().empty()) absl::StrAppend(&text, ", below ", range.below());
  return text;
}

void ApplyDefaults(Message* message) {
  const Descriptor* type = message->GetDescriptor();
  const auto* reflection = message->GetReflection();
  if (const auto found = DefaultsOfConfig().find(type); found != DefaultsOfConfig().end()) {
    const std::unique_ptr<Message> resolved(found->second->New());
    resolved->CopyFrom(*found->second);
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor* field = type->field(i);
      // Merging appends to lists.
      if (field->is_repeated() && reflection->FieldSize(*message, field) > 0) {
        reflection->ClearField(resolved.get(), field);
      }
    }
    resolved->MergeFrom(*message);
    reflection->Swap(message, resolved.get());
  }
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!IsMessage(*field)) continue;
    if (field->is_repeated()) {
      for (int j = 0; j < reflection->FieldSize(*message, field); ++j) {
        ApplyDefaults(reflection->MutableRepeatedMessage(message, field, j));
      }
    } else if (field->real_containing_oneof() == nullptr || reflection->HasField(*message, field)) {
      ApplyDefaults(reflection->MutableMessage(message, field));
    }
  }
}

void CheckFields(const Message& config, FieldViolations* violations) {
  Checker(config, violations).CheckMessage(config, "");
}

std::vector<int> SchemaPosition(const Descriptor& type, absl::string_view path) {
  std::vector<int> position;
  const Descriptor* message = &type;
  for (const absl::string_view part : absl::StrSplit(path, '.')) {
    int number = 0;
    if (absl::SimpleAtoi(part, &number)) {
      position.push_back(number);
      continue;
    }
    const FieldDescriptor* field =
        message == nullptr ? nullptr : message->FindFieldByName(std::string(part));
    if (field == nullptr) {
      position.push_back(std::numeric_limits<int>::max());
      return position;
    }
    position.push_back(field->index());
    message = field->message_type();
  }
  return position;
}

}  // namespace anneal::config
