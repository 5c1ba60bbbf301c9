#include "common/config/field_path.h"

#include <algorithm>
#include <memory>
#include <numbers>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "anneal/v1/options.pb.h"
#include "common/enum_name.h"
#include "common/json_text.h"
#include "common/number_text.h"
#include "common/status.h"
#include "google/protobuf/struct.pb.h"

namespace anneal::config {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr size_t kSuggestions = 3;
constexpr absl::string_view kNotSet = "-";

size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

absl::string_view LastPart(absl::string_view path) {
  return path.substr(path.rfind('.') + 1);  // npos + 1 is 0
}

// The edit distance of the whole path, or of the field name in any message.
size_t Distance(absl::string_view wanted, absl::string_view path) {
  return std::min(EditDistance(wanted, path), 1 + EditDistance(LastPart(wanted), LastPart(path)));
}

absl::Status UnknownPath(const Descriptor& type, absl::string_view path) {
  constexpr size_t kLongestPath = 200;
  if (path.size() > kLongestPath)
    return InvalidField("path", "is longer than any field path; name a field, such as epochs");
  return InvalidField(path, absl::StrCat("is an unknown field; did you mean ",
                                         NearNames(path, FieldPaths(type)), "?"));
}

absl::Status WrongType(absl::string_view path, absl::string_view value, absl::string_view wanted) {
  return InvalidField(path, absl::StrCat("is ", Quoted(value), "; expected ", wanted));
}

absl::Status ParseJson(const FieldDescriptor& field, absl::string_view path,
                       absl::string_view value, const std::string& json, Message* out) {
  const absl::Status status = FromJson(json, out);
  if (status.ok()) return absl::OkStatus();
  const std::string& example = field.options().GetExtension(v1::config_field).example();
  return WrongType(path, value,
                   absl::StrCat(example.empty() ? "JSON in { }" : "JSON such as ", example, " (",
                                status.message(), "); see `anneal explain ", path, "`"));
}

absl::Status SetMessage(Message* message, const FieldDescriptor& field, absl::string_view path,
                        absl::string_view value) {
  const std::unique_ptr<Message> parsed(message->New());
  ANNEAL_RETURN_IF_ERROR(ParseJson(field, path, value, std::string(value), parsed.get()));
  message->GetReflection()->Swap(message, parsed.get());
  return absl::OkStatus();
}

// protobuf parses JSON lists only inside messages: the value is checked to be a list and then
// parsed as a field of an otherwise empty parent.
absl::Status SetList(Message* parent, const FieldDescriptor& field, absl::string_view path,
                     absl::string_view value) {
  google::protobuf::ListValue list;
  ANNEAL_RETURN_IF_ERROR(ParseJson(field, path, value, std::string(value), &list));
  const std::unique_ptr<Message> parsed(parent->New());
  ANNEAL_RETURN_IF_ERROR(ParseJson(
      field, path, value, absl::StrCat("{\"", field.name(), "\": ", value, "}"), parsed.get()));
  parent->GetReflection()->ClearField(parent, &field);
  parent->MergeFrom(*parsed);
  return absl::OkStatus();
}

absl::Status SetScalar(Message* parent, const FieldDescriptor& field, absl::string_view path,
                       absl::string_view value) {
  const auto* reflection = parent->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t number = 0;
      if (!absl::SimpleAtoi(value, &number)) return WrongType(path, value, "a whole number");
      reflection->SetInt32(parent, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      int64_t number = 0;
      if (!absl::SimpleAtoi(value, &number)) return WrongType(path, value, "a whole number");
      reflection->SetInt64(parent, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double number = 0;
      if (!ParseReal(value, &number)) return WrongType(path, value, "a number");
      reflection->SetDouble(parent, &field, number);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      bool flag = false;
      if (!absl::SimpleAtob(value, &flag)) return WrongType(path, value, "true or false");
      reflection->SetBool(parent, &field, flag);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto* choice = FindEnumValue(*field.enum_type(), value);
      if (choice == nullptr) {
        return WrongType(path, value, absl::StrCat("one of ", EnumChoices(*field.enum_type())));
      }
      reflection->SetEnum(parent, &field, choice);
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_STRING:
      reflection->SetString(parent, &field, std::string(value));
      return absl::OkStatus();
    default:
      return SetMessage(reflection->MutableMessage(parent, &field), field, path, value);
  }
}

// Returns element `index` of a list of messages; the index one past the end appends.
Message* Element(Message* parent, const FieldDescriptor& field, absl::string_view index) {
  const auto* reflection = parent->GetReflection();
  int number = 0;
  if (!absl::SimpleAtoi(index, &number) || number < 0) return nullptr;
  const int size = reflection->FieldSize(*parent, &field);
  if (number < size) return reflection->MutableRepeatedMessage(parent, &field, number);
  if (number == size) return reflection->AddMessage(parent, &field);
  return nullptr;
}

absl::Status SetIn(Message* root, absl::string_view path, absl::string_view value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '.');
  Message* message = root;
  for (size_t i = 0; i < parts.size(); ++i) {
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(std::string(parts[i]));
    if (field == nullptr) return UnknownPath(*root->GetDescriptor(), path);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (i + 1 == parts.size()) {
      return field->is_repeated() ? SetList(message, *field, path, value)
                                  : SetScalar(message, *field, path, value);
    }
    if (!is_message) return UnknownPath(*root->GetDescriptor(), path);
    if (!field->is_repeated()) {
      message = message->GetReflection()->MutableMessage(message, field);
      continue;
    }
    message = Element(message, *field, parts[++i]);
    if (message == nullptr) {
      return InvalidField(path, absl::StrCat("has no element ", parts[i],
                                             "; indices start at 0, and the index after the last "
                                             "element appends one"));
    }
    if (i + 1 == parts.size()) return SetMessage(message, *field, path, value);
  }
  return UnknownPath(*root->GetDescriptor(), path);
}

std::string ShowList(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  std::vector<std::string> elements;
  elements.reserve(static_cast<size_t>(reflection->FieldSize(message, &field)));
  for (int i = 0; i < reflection->FieldSize(message, &field); ++i) {
    elements.push_back(ToJson(reflection->GetRepeatedMessage(message, &field, i)));
  }
  return absl::StrCat("[", absl::StrJoin(elements, ","), "]");
}

std::string ShowField(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (field.is_repeated()) return ShowList(message, field);
  if (field.has_presence() && !reflection->HasField(message, &field)) return std::string(kNotSet);
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection->GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(reflection->GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(reflection->GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return ShortName(*reflection->GetEnum(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection->GetString(message, &field);
    default:
      return ToJson(reflection->GetMessage(message, &field));
  }
}

void AppendPaths(const Descriptor& type, const std::string& prefix,
                 std::vector<std::string>* paths) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const std::string path = absl::StrCat(prefix, field->name());
    if (!field->is_repeated() && field->message_type() != nullptr) {
      AppendPaths(*field->message_type(), path + ".", paths);
    } else {
      paths->push_back(path);
    }
  }
}

}  // namespace

bool ParseReal(absl::string_view text, double* out) {
  absl::string_view divisor = text;
  if (text == "pi") {
    *out = std::numbers::pi;
    return true;
  }
  if (absl::ConsumePrefix(&divisor, "pi/")) {
    double by = 0;
    if (!absl::SimpleAtod(divisor, &by) || by == 0) return false;
    *out = std::numbers::pi / by;
    return true;
  }
  return absl::SimpleAtod(text, out);
}

std::string NearNames(absl::string_view wanted, const std::vector<std::string>& names) {
  std::vector<std::pair<size_t, std::string>> near;
  for (const std::string& name : names) near.emplace_back(Distance(wanted, name), name);
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), kSuggestions));
  std::string text;
  for (size_t i = 0; i < near.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : (i + 1 == near.size() ? " or " : ", "), near[i].second);
  }
  return text;
}

const FieldDescriptor* FindField(const Descriptor& type, absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '.');
  const Descriptor* message = &type;
  for (size_t i = 0; i < parts.size(); ++i) {
    const FieldDescriptor* field = message->FindFieldByName(std::string(parts[i]));
    if (field == nullptr || i + 1 == parts.size()) return field;
    if (field->message_type() == nullptr) return nullptr;
    message = field->message_type();
    int index = 0;
    if (!field->is_repeated()) continue;
    if (!absl::SimpleAtoi(parts[++i], &index) || index < 0) return nullptr;
  }
  return nullptr;
}

absl::StatusOr<std::string> GetField(const Message& root, absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '.');
  const Message* message = &root;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto* reflection = message->GetReflection();
    const FieldDescriptor* field = message->GetDescriptor()->FindFieldByName(std::string(parts[i]));
    if (field == nullptr) return UnknownPath(*root.GetDescriptor(), path);
    if (i + 1 == parts.size()) return ShowField(*message, *field);
    if (field->message_type() == nullptr) return UnknownPath(*root.GetDescriptor(), path);
    if (!field->is_repeated()) {
      message = &reflection->GetMessage(*message, field);
      continue;
    }
    int index = 0;
    if (!absl::SimpleAtoi(parts[++i], &index) || index < 0) {
      return UnknownPath(*root.GetDescriptor(), path);
    }
    if (index >= reflection->FieldSize(*message, field)) return std::string(kNotSet);
    message = &reflection->GetRepeatedMessage(*message, field, index);
    if (i + 1 == parts.size()) return ToJson(*message);
  }
  return UnknownPath(*root.GetDescriptor(), path);
}

absl::Status SetField(Message* message, absl::string_view path, absl::string_view value) {
  const std::unique_ptr<Message> changed(message->New());
  changed->CopyFrom(*message);
  ANNEAL_RETURN_IF_ERROR(SetIn(changed.get(), path, value));
  message->GetReflection()->Swap(message, changed.get());
  return absl::OkStatus();
}

std::vector<std::string> FieldPaths(const Descriptor& type) {
  std::vector<std::string> paths;
  AppendPaths(type, "", &paths);
  return paths;
}

}  // namespace anneal::config
