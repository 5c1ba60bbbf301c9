// These functions apply the option `behavior` of options.proto to messages, by reflection. Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_FIELD_BEHAVIOR_H_
#define ANNEAL_COMMON_FIELD_BEHAVIOR_H_

#include "common/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anneal {

// Returns whether a request must set the field.
bool IsRequired(const google::protobuf::FieldDescriptor& field);

// Returns whether only the server sets the field.
bool IsOutputOnly(const google::protobuf::FieldDescriptor& field);

// Adds a violation for each REQUIRED field of `message` itself that is unset.
void CheckRequired(const google::protobuf::Message& message, FieldViolations* violations);

// Clears the OUTPUT_ONLY fields of `message` and of the messages in it.
void ClearOutputOnly(google::protobuf::Message* message);

}  // namespace anneal

#endif  // ANNEAL_COMMON_FIELD_BEHAVIOR_H_
