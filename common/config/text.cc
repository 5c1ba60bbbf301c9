#include "common/config/text.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/json_text.h"
#include "common/status.h"
#include "common/utf8.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace anneal::config {
namespace {

// Rephrases `Message type "anneal.v1.ThetaConfig" has no field named "stort".`
std::string Reason(absl::string_view message) {
  constexpr absl::string_view kUnknown = " has no field named ";
  const size_t at = message.find(kUnknown);
  if (at == absl::string_view::npos) return std::string(message);
  return absl::StrCat(absl::StripSuffix(message.substr(at + kUnknown.size()), "."),
                      " is an unknown field");
}

// Keeps the first error; later ones usually follow from it.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty())
      text_ = absl::StrCat("line ", line + 1, ", column ", column + 1, ": ", Reason(message));
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

absl::StatusOr<v1::TrainingConfig> ParseConfig(absl::string_view text, absl::string_view field) {
  v1::TrainingConfig config;
  if (!IsUtf8(text)) return InvalidField(field, "is not UTF-8; convert it");
  if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(text), "{")) {
    const absl::Status status = FromJson(text, &config);
    if (status.ok()) return config;
    return InvalidField(field, absl::StrCat("is not a config in JSON: ", status.message()));
  }
  const absl::Status status = ParseTextFormat(text, &config);
  if (status.ok()) return config;
  return InvalidField(field, absl::StrCat("is not a config in text format: ", status.message()));
}

absl::Status ParseTextFormat(absl::string_view text, google::protobuf::Message* message) {
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(std::string(text), message)) return absl::OkStatus();
  return absl::InvalidArgumentError(error.text());
}

std::string ToTextFormat(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  return text;
}

}  // namespace anneal::config
