// Names of enum values as people write them: LINEAR for THETA_SCHEDULE_LINEAR. Pure.

#ifndef ANNEAL_COMMON_ENUM_NAME_H_
#define ANNEAL_COMMON_ENUM_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/generated_enum_reflection.h"

namespace anneal {

// The value's name without its enum's prefix.
std::string ShortName(const google::protobuf::EnumValueDescriptor& value);

// Finds a value by full or short name, in any case; null if there is none or it is the unspecified
// one.
const google::protobuf::EnumValueDescriptor* FindEnumValue(
    const google::protobuf::EnumDescriptor& type, absl::string_view name);

// The short names that can be chosen, joined by ", ".
std::string EnumChoices(const google::protobuf::EnumDescriptor& type);

template <typename Enum>
std::string EnumName(Enum value) {
  const auto* descriptor =
      google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(static_cast<int>(value));
  return descriptor == nullptr ? "UNKNOWN" : ShortName(*descriptor);
}

// The value with this name, or the unspecified one.
template <typename Enum>
Enum EnumValue(absl::string_view name) {
  const auto* descriptor = FindEnumValue(*google::protobuf::GetEnumDescriptor<Enum>(), name);
  return descriptor == nullptr ? Enum{} : static_cast<Enum>(descriptor->number());
}

}  // namespace anneal

#endif  // ANNEAL_COMMON_ENUM_NAME_H_
