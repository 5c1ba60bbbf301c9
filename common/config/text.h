// Configs as files: protobuf text format or JSON. Pure.

#ifndef ANNEAL_COMMON_CONFIG_TEXT_H_
#define ANNEAL_COMMON_CONFIG_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "google/protobuf/message.h"

namespace anneal::config {

// Reads JSON if the first character that is not white space is `{`, text format otherwise.
// INVALID_ARGUMENT: with line and column in text format, with the place's text in JSON.
absl::StatusOr<v1::TrainingConfig> ParseConfig(absl::string_view text);

// Reads text format into `message`. INVALID_ARGUMENT with line and column.
absl::Status ParseTextFormat(absl::string_view text, google::protobuf::Message* message);

std::string ToTextFormat(const google::protobuf::Message& message);

// Field names as in the proto, numbers that read back to the same bits (but for the sign of 0).
// `pretty` adds line breaks. Fields at their default are printed too, so that every record has the
// same keys.
std::string ToJson(const google::protobuf::Message& message, bool pretty);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_TEXT_H_
