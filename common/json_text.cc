#include "common/json_text.h"

#include "common/status.h"
#include "google/protobuf/util/json_util.h"

namespace anneal {

std::string ToJson(const google::protobuf::Message& message, const JsonOptions& options) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = options.pretty;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = options.unset_fields;
  std::string json;
  // Fails only for Any with a type that is not linked in.
  (void)google::protobuf::util::MessageToJsonString(message, &json, print);
  return json;
}

absl::Status FromJson(absl::string_view text, google::protobuf::Message* message,
                      UnknownFields unknown_fields) {
  google::protobuf::util::JsonParseOptions parse;
  parse.ignore_unknown_fields = unknown_fields == UnknownFields::kSkip;
  const auto status =
      google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, message, parse);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(OneLine(std::string(status.message())));
}

}  // namespace anneal
