// These functions read and write config fields by path, such as `optimizer.learning_rate` in --set
// and sweep axes. Pure; they work on any message by reflection.

#ifndef ANNEAL_COMMON_CONFIG_FIELD_PATH_H_
#define ANNEAL_COMMON_CONFIG_FIELD_PATH_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anneal::config {

// Sets the field at `path` to `value`. An index from 0 addresses an element of a list of messages
// (`network.layers.0.conv.filters`); the index after the last appends. Enums take short or full
// names, doubles also `pi/4` and the like, whole messages and lists JSON. INVALID_ARGUMENT, leaving
// `message` unchanged: an unknown path (the error suggests similar ones), or a value of the wrong
// type.
absl::Status SetField(google::protobuf::Message* message, absl::string_view path,
                      absl::string_view value);

// Returns the value of the field at `path` as a user would write it: short enum names, numbers with
// all digits, messages and lists as JSON; "-" if unset. INVALID_ARGUMENT for an unknown path, as in
// SetField.
absl::StatusOr<std::string> GetField(const google::protobuf::Message& message,
                                     absl::string_view path);

// Returns the field at `path`, which may address elements of lists; null if there is none.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& type,
                                                   absl::string_view path);

// Parses `0.1`, `1e-3`, `pi` or `pi/4`; returns false for anything else.
bool ParseReal(absl::string_view text, double* out);

// Returns the few `names` closest to `wanted`, for "did you mean ...?": "a, b or c".
std::string NearNames(absl::string_view wanted, const std::vector<std::string>& names);

// Returns all paths that SetField accepts, except those into list elements, in schema order.
std::vector<std::string> FieldPaths(const google::protobuf::Descriptor& type);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_FIELD_PATH_H_
