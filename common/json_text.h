// `ToJson` and `FromJson` convert protobuf messages to JSON text and back. Field names are as in
// the .proto file, and numbers read back bit-identical (but for the sign of 0). Pure; thread-safe.

#ifndef ANNEAL_COMMON_JSON_TEXT_H_
#define ANNEAL_COMMON_JSON_TEXT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace anneal {

struct JsonOptions {
  // Adds line breaks and indentation. Otherwise the text is one line.
  bool pretty = false;
  // Prints scalars and lists at their default too, so that all records of a type have the same
  // keys. Unset messages and unset optional fields are never printed.
  bool unset_fields = false;
};

// Returns `message`, of a generated type, as a JSON object. The text of equal messages is equal.
// Messages must not contain google.protobuf.Any.
std::string ToJson(const google::protobuf::Message& message, const JsonOptions& options = {});

enum class UnknownFields {
  kReject,
  kSkip,  // for text that another version may have written
};

// Parses `text` into `message`, whose earlier contents are lost. Returns INVALID_ARGUMENT with the
// reason in one line, such as "theta.stort is an unknown field"; the contents of `message` are then
// unspecified.
absl::Status FromJson(absl::string_view text, google::protobuf::Message* message,
                      UnknownFields unknown_fields = UnknownFields::kReject);

}  // namespace anneal

#endif  // ANNEAL_COMMON_JSON_TEXT_H_
