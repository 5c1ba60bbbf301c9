#include "client/render/flatten.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "anneal/v1/resources.pb.h"
#include "common/enum_name.h"
#include "common/metric.h"
#include "common/number_text.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/time_util.h"

namespace anneal::client::render {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Values = std::vector<std::pair<std::string, std::string>>;

// Unspecified values are empty, like other unset fields.
std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  return value.number() == 0 ? "" : ShortName(value);
}

std::string Scalar(const Message& message, const FieldDescriptor& field) {
  const auto* reflection = message.GetReflection();
  if (field.has_presence() && !reflection->HasField(message, &field)) return "";
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
      return EnumText(*reflection->GetEnum(message, &field));
    default:
      return reflection->GetString(message, &field);
  }
}

void Add(const Message& message, const std::string& prefix, const std::set<std::string>& omitted,
         Values* values);

bool IsMetricMap(const FieldDescriptor& field) {
  return field.is_map() &&
         field.message_type()->map_value()->message_type() == v1::MetricValue::descriptor();
}

void AddMetricValues(const Message& message, const FieldDescriptor& field,
                     const std::string& prefix, Values* values) {
  const auto* reflection = message.GetReflection();
  const auto* entry = field.message_type();
  std::map<std::string, v1::MetricValue> sorted;
  for (int k = 0; k < reflection->FieldSize(message, &field); ++k) {
    const Message& element = reflection->GetRepeatedMessage(message, &field, k);
    sorted[absl::StrCat(prefix, Scalar(element, *entry->map_key()))] =
        static_cast<const v1::MetricValue&>(
            element.GetReflection()->GetMessage(element, entry->map_value()));
  }
  for (const auto& [name, metric] : sorted) {
    values->emplace_back(name, NumberText(metric.value()));
    values->emplace_back(name + ".epoch", absl::StrCat(metric.epoch()));
  }
}

// Protobuf maps have no order: entries are sorted by key.
void AddMap(const Message& message, const FieldDescriptor& field, const std::string& name,
            Values* values) {
  const auto* reflection = message.GetReflection();
  const auto* entry = field.message_type();
  std::map<std::string, std::string> sorted;
  for (int k = 0; k < reflection->FieldSize(message, &field); ++k) {
    const Message& element = reflection->GetRepeatedMessage(message, &field, k);
    sorted[Scalar(element, *entry->map_key())] = Scalar(element, *entry->map_value());
  }
  for (const auto& [key, value] : sorted) values->emplace_back(absl::StrCat(name, "_", key), value);
}

void AddRepeated(const Message& message, const FieldDescriptor& field, const std::string& name,
                 Values* values) {
  const auto* reflection = message.GetReflection();
  for (int k = 0; k < reflection->FieldSize(message, &field); ++k) {
    const std::string numbered = absl::StrCat(name, "_", k);
    if (field.message_type() != nullptr) {
      Add(reflection->GetRepeatedMessage(message, &field, k), numbered + "_", {}, values);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      values->emplace_back(numbered, reflection->GetRepeatedString(message, &field, k));
    }
  }
}

void AddMessage(const Message& message, const FieldDescriptor& field, const std::string& name,
                Values* values) {
  using google::protobuf::Timestamp;
  const bool is_set = message.GetReflection()->HasField(message, &field);
  const Message& value = message.GetReflection()->GetMessage(message, &field);
  if (field.message_type() == Timestamp::descriptor()) {
    values->emplace_back(name, is_set ? google::protobuf::util::TimeUtil::ToString(
                                            static_cast<const Timestamp&>(value))
                                      : "");
    return;
  }
  const size_t begin = values->size();
  Add(value, name + "_", {}, values);
  for (size_t i = begin; !is_set && i < values->size(); ++i) (*values)[i].second.clear();
}

void Add(const Message& message, const std::string& prefix, const std::set<std::string>& omitted,
         Values* values) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    if (omitted.contains(field.name())) continue;
    const std::string name = absl::StrCat(prefix, CsvNameOf(field));
    if (IsMetricMap(field)) {
      AddMetricValues(message, field, prefix, values);
    } else if (field.is_map()) {
      AddMap(message, field, name, values);
    } else if (field.is_repeated()) {
      AddRepeated(message, field, name, values);
    } else if (field.message_type() != nullptr) {
      AddMessage(message, field, name, values);
    } else {
      values->emplace_back(name, Scalar(message, field));
    }
  }
}

}  // namespace

Values Flatten(const Message& message, const std::set<std::string>& omitted) {
  Values values;
  Add(message, "", omitted, &values);
  return values;
}

Table FlatTable(const std::vector<const Message*>& messages, const Message& prototype,
                const std::set<std::string>& omitted) {
  std::vector<Values> rows;
  std::vector<Table::Column> columns;
  std::map<std::string, size_t> index;
  const auto add_columns = [&](const Values& values) {
    for (const auto& [name, value] : values) {
      if (index.emplace(name, columns.size()).second) columns.push_back({name, name});
    }
  };
  add_columns(Flatten(prototype, omitted));
  for (const Message* message : messages) {
    rows.push_back(Flatten(*message, omitted));
    add_columns(rows.back());
  }
  const size_t width = columns.size();
  Table table(std::move(columns));
  for (const Values& row : rows) {
    std::vector<std::string> cells(width);
    for (const auto& [name, value] : row) cells[index.at(name)] = value;
    table.AddRow(std::move(cells));
  }
  return table;
}

}  // namespace anneal::client::render
