// `ParseConfig` and `ToTextFormat` convert configs from and to files in protobuf text format or
// JSON. Pure.

#ifndef ANNEAL_COMMON_CONFIG_TEXT_H_
#define ANNEAL_COMMON_CONFIG_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "google/protobuf/message.h"

namespace anneal::config {

// Parses JSON if the first character other than white space is `{`, text format otherwise.
// INVALID_ARGUMENT naming `field`: with line and column in text format, with the field or the
// surrounding text in JSON.
absl::StatusOr<v1::TrainingConfig> ParseConfig(absl::string_view text,
                                               absl::string_view field = "config");

// Parses text format into `message`. INVALID_ARGUMENT with line and column.
absl::Status ParseTextFormat(absl::string_view text, google::protobuf::Message* message);

std::string ToTextFormat(const google::protobuf::Message& message);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_TEXT_H_
