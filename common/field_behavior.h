// These functions apply the option `behavior` of options.proto to messages, by reflection. Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_FIELD_BEHAVIOR_H_
#define ANNEAL_COMMON_FIELD_BEHAVIOR_H_

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anneal {

// Returns whether a request must set the field.
bool IsRequired(const google::protobuf::FieldDescriptor& field);

// Returns whether only the server sets the field.
bool IsOutputOnly(const google::protobuf::FieldDescriptor& field);

// Clears the OUTPUT_ONLY fields of `message` and of the messages in it.
void ClearOutputOnly(google::protobuf::Message* message);

}  // namespace anneal

#endif  // ANNEAL_COMMON_FIELD_BEHAVIOR_H_
