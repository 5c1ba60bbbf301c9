// `Schema` lists the fields of the training config with their defaults, ranges and descriptions,
// read by reflection from the options in config.proto (options.proto documents them). Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_CONFIG_SCHEMA_H_
#define ANNEAL_COMMON_CONFIG_SCHEMA_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "anneal/v1/options.pb.h"
#include "common/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace anneal::config {

struct SchemaField {
  // As `--set` takes it, with N for the number of a list's element: `network.layers.N.conv.kernel`.
  std::string path;
  const google::protobuf::FieldDescriptor* field = nullptr;

  const v1::ConfigField& options() const;
  // A message has fields of its own, which follow it in the schema.
  bool is_message() const;
};

// Returns all fields of TrainingConfig in the order of config.proto, a message before its fields.
const std::vector<SchemaField>& Schema();

// Returns the field at a path whose list elements are numbers, N, or left out; null if there is
// none.
const SchemaField* FindSchemaField(absl::string_view path);

// Returns the range in display form: `1..100000`, `0 < value <= 1000`, `1..64 bytes`; empty if
// every value is allowed.
std::string RangeText(const google::protobuf::FieldDescriptor& field);

// Sets every unset field that has a default, also in messages that are unset. Leaves set fields and
// unselected members of a oneof unchanged.
void ApplyDefaults(google::protobuf::Message* config);

// Adds a violation for each required field that is unset, and for each value outside its range or
// of no known enum value. `config` has its defaults. A range that another field limits is judged
// by it only if that field is in its own range.
void CheckFields(const google::protobuf::Message& config, FieldViolations* violations);

// Returns a key that orders the fields of a message, and those of the messages in it, as their
// .proto files declare them, and elements of lists by their number.
std::vector<int> SchemaPosition(const google::protobuf::Descriptor& type, absl::string_view path);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_SCHEMA_H_
