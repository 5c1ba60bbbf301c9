#include "common/status.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/enum_name.h"
#include "common/utf8.h"
#include "google/rpc/error.pb.h"

namespace anneal {
namespace {

google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload(kErrorInfoUrl);
  if (payload.has_value()) (void)info.ParseFromString(std::string(*payload));
  return info;
}

std::string Under(absl::string_view prefix, absl::string_view field) {
  return prefix.empty() ? std::string(field) : absl::StrCat(prefix, ".", field);
}

}  // namespace

void FieldViolations::Add(absl::string_view field, absl::string_view description) {
  // A violation is a line of the message, and protobuf refuses text that is not UTF-8.
  const std::string name = Printable(field);
  violations_.push_back({name, name, Printable(description)});
}

void FieldViolations::AddOnce(Violation violation) {
  const bool known =
      std::any_of(violations_.begin(), violations_.end(), [&](const Violation& other) {
        return other.field == violation.field && other.description == violation.description;
      });
  if (!known) violations_.push_back(std::move(violation));
}

void FieldViolations::AddUnder(absl::string_view prefix, const FieldViolations& inner) {
  for (const Violation& violation : inner.violations_) {
    AddOnce({Under(prefix, violation.field), violation.name, violation.description});
  }
}

bool FieldViolations::AddUnder(absl::string_view prefix, const absl::Status& status) {
  const auto payload = status.GetPayload(kBadRequestUrl);
  google::rpc::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return false;
  const std::vector<absl::string_view> lines = absl::StrSplit(status.message(), '\n');
  for (int i = 0; i < details.field_violations_size(); ++i) {
    const auto& violation = details.field_violations(i);
    // A line of the message has the display name and the description; the payload has no display
    // name.
    absl::string_view name = violation.field();
    if (const auto line = static_cast<size_t>(i);
        lines.size() == static_cast<size_t>(details.field_violations_size())) {
      absl::string_view begin = lines[line];
      if (absl::ConsumeSuffix(&begin, absl::StrCat(" ", violation.description()))) name = begin;
    }
    AddOnce({Under(prefix, violation.field()), std::string(name), violation.description()});
  }
  return true;
}

bool FieldViolations::Has(absl::string_view field) const {
  return std::any_of(violations_.begin(), violations_.end(), [field](const Violation& violation) {
    absl::string_view rest = violation.field;
    return absl::ConsumePrefix(&rest, field) && (rest.empty() || rest.front() == '.');
  });
}

void FieldViolations::Sort(
    const std::function<std::vector<int>(absl::string_view field)>& position) {
  std::vector<std::pair<std::vector<int>, Violation>> keyed;
  for (Violation& violation : violations_) {
    std::vector<int> key = position(violation.field);
    keyed.emplace_back(std::move(key), std::move(violation));
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  violations_.clear();
  for (auto& [key, violation] : keyed) violations_.push_back(std::move(violation));
}

absl::Status FieldViolations::ToStatus() const {
  if (violations_.empty()) return absl::OkStatus();
  google::rpc::BadRequest details;
  std::string message;
  for (const Violation& violation : violations_) {
    auto* out = details.add_field_violations();
    out->set_field(violation.field);
    out->set_description(violation.description);
    absl::StrAppend(&message, message.empty() ? "" : "\n", violation.name, " ",
                    violation.description);
  }
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kBadRequestUrl, absl::Cord(details.SerializeAsString()));
  return WithReason(std::move(status), v1::ERROR_REASON_INVALID_FIELD);
}

std::string Quoted(absl::string_view text) {
  constexpr size_t kMost = 80;
  const absl::string_view prefix = Utf8Prefix(text, kMost);
  const std::string shown = absl::StrReplaceAll(Printable(prefix), {{"\"", "\\\""}});
  if (prefix.size() == text.size()) return absl::StrCat("\"", shown, "\"");
  return absl::StrCat("\"", shown, "…\" (", text.size(), " bytes)");
}

std::string OneLine(absl::string_view text) {
  std::string line = absl::StrReplaceAll(text, {{"\n", " "}});
  absl::RemoveExtraAsciiWhitespace(&line);
  return line;
}

absl::Status InvalidField(absl::string_view field, absl::string_view description) {
  FieldViolations violations;
  violations.Add(field, description);
  return violations.ToStatus();
}

absl::Status AtField(absl::string_view field, absl::Status status) {
  const auto payload = status.GetPayload(kBadRequestUrl);
  google::rpc::BadRequest details;
  if (!payload.has_value() || !details.ParseFromString(std::string(*payload))) return status;
  for (auto& violation : *details.mutable_field_violations()) {
    violation.set_field(std::string(field));
  }
  status.SetPayload(kBadRequestUrl, absl::Cord(details.SerializeAsString()));
  return status;
}

absl::Status WithReason(absl::Status status, v1::ErrorReason reason,
                        const std::map<std::string, std::string>& metadata) {
  if (status.ok()) return status;
  google::rpc::ErrorInfo info;
  info.set_reason(EnumName(reason));
  info.set_domain(std::string(kErrorDomain));
  info.mutable_metadata()->insert(metadata.begin(), metadata.end());
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

v1::ErrorReason ReasonOf(const absl::Status& status) {
  return EnumValue<v1::ErrorReason>(InfoOf(status).reason());
}

std::string ReasonText(const absl::Status& status) { return InfoOf(status).reason(); }

std::string ReasonMetadata(const absl::Status& status, const std::string& key) {
  const google::rpc::ErrorInfo info = InfoOf(status);
  const auto found = info.metadata().find(key);
  return found == info.metadata().end() ? "" : found->second;
}

}  // namespace anneal
