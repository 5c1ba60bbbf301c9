#include "common/field_behavior.h"

#include <vector>

#include "anneal/v1/options.pb.h"

namespace anneal {

using google::protobuf::FieldDescriptor;

bool IsRequired(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::behavior) == v1::FIELD_BEHAVIOR_REQUIRED;
}

bool IsOutputOnly(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::behavior) == v1::FIELD_BEHAVIOR_OUTPUT_ONLY;
}

void CheckRequired(const google::protobuf::Message& message, FieldViolations* violations) {
  const auto* type = message.GetDescriptor();
  const auto* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    const bool is_set = field->is_repeated() ? reflection->FieldSize(message, field) > 0
                                             : reflection->HasField(message, field);
    if (IsRequired(*field) && !is_set) violations->Add(field->name(), "is required; set it");
  }
}

void ClearOutputOnly(google::protobuf::Message* message) {
  const auto* reflection = message->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(*message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsOutputOnly(*field)) {
      reflection->ClearField(message, field);
    } else if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || field->is_map()) {
      continue;
    } else if (!field->is_repeated()) {
      ClearOutputOnly(reflection->MutableMessage(message, field));
    } else {
      for (int i = 0; i < reflection->FieldSize(*message, field); ++i) {
        ClearOutputOnly(reflection->MutableRepeatedMessage(message, field, i));
      }
    }
  }
}

}  // namespace anneal
