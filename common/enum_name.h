// These functions convert enum values to and from their short names: LINEAR for
// THETA_SCHEDULE_LINEAR. Pure; thread-safe.

#ifndef ANNEAL_COMMON_ENUM_NAME_H_
#define ANNEAL_COMMON_ENUM_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace anneal {

// Returns the value's name without its enum's prefix.
std::string ShortName(const google::protobuf::EnumValueDescriptor& value);

// Finds a value by full or short name, case-insensitively. Returns null for unknown names and for
// the unspecified value.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor& type, absl::string_view name);

// Returns the short names of all values but the unspecified one, joined by ", ".
std::string EnumChoices(const google::protobuf::EnumDescriptor& type);

template <typename Enum>
std::string EnumName(Enum value) {
  const auto* descriptor =
      google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(static_cast<int>(value));
  return descriptor == nullptr ? "UNKNOWN" : ShortName(*descriptor);
}

// Returns the value with this name, or the unspecified one.
template <typename Enum>
Enum EnumValue(absl::string_view name) {
  const auto* descriptor = FindEnumValue(*google::protobuf::GetEnumDescriptor<Enum>(), name);
  return descriptor == nullptr ? Enum{} : static_cast<Enum>(descriptor->number());
}

}  // namespace anneal

#endif  // ANNEAL_COMMON_ENUM_NAME_H_
