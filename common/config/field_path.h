// Fields of a config by path, as `--set optimizer.learning_rate=0.01` and sweep axes name them.
// Pure; works on any message by reflection.

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

// Sets the field at `path` to `value`. Elements of a list of messages are addressed by number, from
// 0 (`network.layers.0.conv.filters`); the number after the last appends. Enums take short or full
// names, doubles also `pi/4` and the like; whole messages and lists take JSON.
// INVALID_ARGUMENT, leaving `message` as it was: an unknown path (the error lists near ones), or a
// value of the wrong type.
absl::Status SetField(google::protobuf::Message* message, absl::string_view path,
                      absl::string_view value);

// The value of the field at `path` as a person would write it: enums short, numbers with all their
// digits, messages and lists as JSON; "-" where it is not set. INVALID_ARGUMENT for an unknown
// path, as SetField.
absl::StatusOr<std::string> GetField(const google::protobuf::Message& message,
                                     absl::string_view path);

// The field at `path`, which may lead through elements of lists; null if there is none.
const google::protobuf::FieldDescriptor* FindField(const google::protobuf::Descriptor& type,
                                                   absl::string_view path);

// Reads `0.1`, `1e-3`, `pi` or `pi/4`; false for anything else.
bool ParseReal(absl::string_view text, double* out);

// The few of `names` that somebody who wrote `wanted` may have meant, joined by ", ".
std::string NearNames(absl::string_view wanted, const std::vector<std::string>& names);

// All paths that SetField knows, but for those into the elements of lists, in the order of the
// schema.
std::vector<std::string> FieldPaths(const google::protobuf::Descriptor& type);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_FIELD_PATH_H_
