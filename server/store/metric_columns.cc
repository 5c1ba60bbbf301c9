#include "server/store/metric_columns.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/metric.h"

namespace anneal::store {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

MetricColumns::MetricColumns(const Descriptor& type) {
  Add(type, nullptr);
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.message_type() != nullptr && !field.is_repeated()) Add(*field.message_type(), &field);
  }
}

void MetricColumns::Add(const Descriptor& type, const FieldDescriptor* inside) {
  Group group = {.inside = inside};
  for (const FieldDescriptor* field : MetricFields(type)) {
    const Column& column =
        group.columns.emplace_back(Column{.name = ColumnOf(*field),
                                          .field = field,
                                          .type = field->cpp_type(),
                                          .can_be_unset = field->has_presence()});
    const char* separator = names_.empty() ? "" : ", ";
    absl::StrAppend(&names_, separator, column.name);
    absl::StrAppend(&placeholders_, separator, "?");
  }
  if (!group.columns.empty()) groups_.push_back(std::move(group));
}

int MetricColumns::IndexOf(absl::string_view column) const {
  int index = 0;
  for (const Group& group : groups_) {
    for (const Column& own : group.columns) {
      if (own.name == column) return index;
      ++index;
    }
  }
  return -1;
}

void MetricColumns::BindGroup(const Message& message, const Group& group, int first,
                              Statement* statement) {
  const auto* reflection = message.GetReflection();
  int index = first;
  for (const Column& column : group.columns) {
    if (column.can_be_unset && !reflection->HasField(message, column.field)) {
      statement->BindAt(index++, std::monostate());
    } else if (column.type == FieldDescriptor::CPPTYPE_DOUBLE) {
      statement->BindAt(index++, reflection->GetDouble(message, column.field));
    } else if (column.type == FieldDescriptor::CPPTYPE_INT64) {
      statement->BindAt(index++, reflection->GetInt64(message, column.field));
    } else {
      statement->BindAt(index++, reflection->GetInt32(message, column.field));
    }
  }
}

void MetricColumns::ReadGroup(const Statement& row, const Group& group, int first,
                              Message* message) {
  const auto* reflection = message->GetReflection();
  int index = first;
  for (const Column& column : group.columns) {
    if (column.can_be_unset && row.IsNull(index)) {
      ++index;
    } else if (column.type == FieldDescriptor::CPPTYPE_DOUBLE) {
      reflection->SetDouble(message, column.field, row.Real(index++));
    } else if (column.type == FieldDescriptor::CPPTYPE_INT64) {
      reflection->SetInt64(message, column.field, row.Int(index++));
    } else {
      reflection->SetInt32(message, column.field, static_cast<int32_t>(row.Int(index++)));
    }
  }
}

void MetricColumns::Bind(const Message& message, int first, Statement* statement) const {
  for (const Group& group : groups_) {
    const Message& owner = group.inside == nullptr
                               ? message
                               : message.GetReflection()->GetMessage(message, group.inside);
    BindGroup(owner, group, first, statement);
    first += static_cast<int>(group.columns.size());
  }
}

void MetricColumns::Read(const Statement& row, int first, Message* message) const {
  for (const Group& group : groups_) {
    Message* owner = group.inside == nullptr
                         ? message
                         : message->GetReflection()->MutableMessage(message, group.inside);
    ReadGroup(row, group, first, owner);
    first += static_cast<int>(group.columns.size());
  }
}

}  // namespace anneal::store
