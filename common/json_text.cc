#include "common/json_text.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver_util.h"

namespace anneal {
namespace {

constexpr const char* kTypeUrlPrefix = "type.googleapis.com";

// Returns the expected values of a type as the parser names it: TYPE_INT32, or the URL of an enum.
std::string ExpectedValues(absl::string_view type) {
  if (absl::EndsWith(type, "INT32") || absl::EndsWith(type, "INT64")) return "a whole number";
  if (type == "TYPE_DOUBLE" || type == "TYPE_FLOAT") return "a number";
  if (type == "TYPE_BOOL") return "true or false";
  const auto* values = google::protobuf::DescriptorPool::generated_pool()->FindEnumTypeByName(
      std::string(type.substr(type.rfind('/') + 1)));
  if (values == nullptr) return absl::StrCat("a value of ", type);
  std::vector<absl::string_view> names;
  for (int i = 0; i < values->value_count(); ++i) {
    if (values->value(i)->number() != 0) names.push_back(values->value(i)->name());
  }
  return absl::StrCat("one of ", absl::StrJoin(names, ", "));
}

// Rephrases a reason of the parser, such as `(layers[0]) dens: Cannot find field.` or `(epochs):
// invalid value "x" for type TYPE_INT32`. Errors of syntax, which quote their place, stay.
std::string Reason(absl::string_view text) {
  std::string path;
  absl::string_view rest = text;
  if (const size_t end = rest.find(')'); absl::ConsumePrefix(&rest, "(") && end != rest.npos) {
    path = absl::StrReplaceAll(rest.substr(0, end - 1), {{"[", "."}, {"]", ""}});
    rest.remove_prefix(end);
  }
  rest = absl::StripLeadingAsciiWhitespace(rest);
  if (absl::ConsumeSuffix(&rest, ": Cannot find field.")) {
    return absl::StrCat(path, path.empty() || rest.empty() ? "" : ".", rest,
                        " is an unknown field");
  }
  const size_t type = rest.rfind(" for type ");
  if (absl::ConsumePrefix(&rest, ": invalid value ") && type != rest.npos) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(rest, absl::MaxSplits(" for type ", 1));
    return absl::StrCat(path, " is ", parts.first, "; expected ", ExpectedValues(parts.second));
  }
  if (absl::ConsumePrefix(&rest, ": Root element must be a message")) return "expected { }";
  return std::string(text);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message, const JsonOptions& options) {
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = options.pretty;
  print.preserve_proto_field_names = true;
  print.always_print_primitive_fields = options.unset_fields;
  // As MessageToJsonString, which leaves the order of map entries to chance.
  static auto* const resolver = google::protobuf::util::NewTypeResolverForDescriptorPool(
      kTypeUrlPrefix, google::protobuf::DescriptorPool::generated_pool());
  std::string binary;
  {
    google::protobuf::io::StringOutputStream stream(&binary);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  std::string json;
  // Fails only for types that are not linked in.
  (void)google::protobuf::util::BinaryToJsonString(
      resolver, absl::StrCat(kTypeUrlPrefix, "/", message.GetDescriptor()->full_name()), binary,
      &json, print);
  return json;
}

absl::Status FromJson(absl::string_view text, google::protobuf::Message* message,
                      UnknownFields unknown_fields) {
  google::protobuf::util::JsonParseOptions parse;
  parse.ignore_unknown_fields = unknown_fields == UnknownFields::kSkip;
  const auto status =
      google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, message, parse);
  if (status.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(Reason(OneLine(std::string(status.message()))));
}

}  // namespace anneal
