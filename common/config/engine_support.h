// `FindUnsupportedByFused` checks a config against the allow-list of the fused engine. Pure.

#ifndef ANNEAL_COMMON_CONFIG_ENGINE_SUPPORT_H_
#define ANNEAL_COMMON_CONFIG_ENGINE_SUPPORT_H_

#include <optional>
#include <string>

#include "google/protobuf/message.h"

namespace anneal::config {

// A setting that an engine does not support.
struct Unsupported {
  std::string field;  // its path, such as `network.batch_norm`
  std::string value;  // as a user writes it; empty for a message
};

// Returns the first setting of a resolved TrainingConfig that the fused engine does not name, in
// the order of the schema, or nothing if the engine can train the config. Every set field is
// checked, including fields unknown to this build: new schema fields are unsupported until the list
// names them.
std::optional<Unsupported> FindUnsupportedByFused(const google::protobuf::Message& config);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_ENGINE_SUPPORT_H_
