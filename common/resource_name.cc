#include "common/resource_name.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace anneal {
namespace {

constexpr absl::string_view kExperiments = "experiments/";
constexpr absl::string_view kRuns = "/runs/";
constexpr size_t kMaxIdLength = 63;

bool IsExperimentId(absl::string_view id) {
  const auto allowed = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  };
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), allowed) &&
         id.front() != '-' && id.back() != '-';
}

// Accepts only the output of FormatRunName: no sign, no leading zeros.
bool ParseOrdinal(absl::string_view text, int64_t* ordinal) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit) &&
         (text == "0" || text.front() != '0') && absl::SimpleAtoi(text, ordinal);
}

std::optional<std::string> SplitExperimentName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kExperiments) || !IsExperimentId(name)) return std::nullopt;
  return std::string(name);
}

std::optional<RunName> SplitRunName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  RunName run;
  if (parts.size() != 4 || parts[0] != "experiments" || parts[2] != "runs" ||
      !IsExperimentId(parts[1]) || !ParseOrdinal(parts[3], &run.ordinal)) {
    return std::nullopt;
  }
  run.experiment_id = std::string(parts[1]);
  return run;
}

// Quotes the name as on the command line. `full` is the valid full name of a short `name`, which
// only callers of the API can send; empty if there is none.
absl::Status WrongName(absl::string_view field, absl::string_view name, absl::string_view full,
                       absl::string_view expected) {
  if (!full.empty()) {
    return InvalidField(field, absl::StrCat("is ", Quoted(name), "; use the full name, ", full));
  }
  return InvalidField(field,
                      absl::StrCat("is ", Quoted(ShortenName(name)), "; expected ", expected));
}

}  // namespace

absl::Status CheckExperimentId(absl::string_view field, absl::string_view id) {
  if (IsExperimentId(id)) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("is ", Quoted(id),
                                          "; use 1 to 63 of a-z, 0-9 and -, without - at either "
                                          "end"));
}

absl::StatusOr<std::string> ParseExperimentName(absl::string_view field, absl::string_view name) {
  auto id = SplitExperimentName(name);
  if (id.has_value()) return *std::move(id);
  const std::string full = ExpandName(name);
  return WrongName(field, name, SplitExperimentName(full).has_value() ? full : "",
                   "an experiment, such as first");
}

absl::StatusOr<RunName> ParseRunName(absl::string_view field, absl::string_view name) {
  auto run = SplitRunName(name);
  if (run.has_value()) return *std::move(run);
  const std::string full = ExpandName(name);
  return WrongName(field, name, SplitRunName(full).has_value() ? full : "",
                   "a run, such as first/0");
}

std::string ExperimentName(absl::string_view id) { return absl::StrCat(kExperiments, id); }

std::string FormatRunName(absl::string_view experiment_id, int64_t ordinal) {
  return absl::StrCat(kExperiments, experiment_id, kRuns, ordinal);
}

std::string ExpandName(absl::string_view typed) {
  if (absl::StartsWith(typed, kExperiments)) return std::string(typed);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(typed, absl::MaxSplits('/', 1));
  if (!absl::StrContains(typed, '/')) return ExperimentName(typed);
  return absl::StrCat(kExperiments, parts.first, kRuns, parts.second);
}

std::string ShortenName(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kExperiments)) return std::string(name);
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(name, absl::MaxSplits(kRuns, 1));
  if (!IsRunName(absl::StrCat(kExperiments, name))) return std::string(name);
  // The short form would read as the full name of an experiment.
  if (parts.first == "experiments") return absl::StrCat(kExperiments, name);
  return absl::StrCat(parts.first, "/", parts.second);
}

bool IsRunName(absl::string_view name) { return absl::StrContains(name, kRuns); }

}  // namespace anneal
