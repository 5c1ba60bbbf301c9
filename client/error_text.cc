#include "client/error_text.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "google/rpc/error.pb.h"

namespace anneal::client {
namespace {

// Fields of requests, as the daemon's messages name them, and the options that set them.
constexpr std::array<std::pair<absl::string_view, absl::string_view>, 21> kOptions = {{
    {"axes", "--sweep"},
    {"baseline", "--baseline"},
    {"diverged", "--failed"},
    {"experiment.name", "the name"},
    {"experiment_id", "--id"},
    {"filter", "--filter"},
    {"group_by", "--by"},
    {"labels", "--label"},
    {"metric", "--metric"},
    {"metrics", "--columns"},
    {"name", "the name"},
    {"names", "the name"},
    {"note", "--note"},
    {"order_by", "--sort"},
    {"parent", "the name"},
    {"priority", "--priority"},
    {"request_id", "--request-id"},
    {"seeds", "--seeds"},
    {"threshold", "--threshold"},
    {"threshold_metric", "--threshold-metric"},
    {"within", "--within"},
}};

// Returns the option that sets `field`; of labels, with the key: `--label team`.
std::string OptionOf(absl::string_view field) {
  for (const auto& [name, option] : kOptions) {
    absl::string_view rest = field;
    if (!absl::ConsumePrefix(&rest, name)) continue;
    if (rest.empty()) return std::string(option);
    if (rest.front() != '.') continue;
    return name == "labels" ? absl::StrCat(option, " ", rest.substr(1)) : std::string(option);
  }
  return std::string(field);
}

// Shortens the resource name that `word` begins with; what follows it, such as a comma, stays.
std::string WithShortName(absl::string_view word) {
  if (!absl::StartsWith(word, ExperimentName(""))) return std::string(word);
  constexpr absl::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz0123456789-/";
  const size_t end = std::min(word.find_first_not_of(kOfNames), word.size());
  return absl::StrCat(ShortenName(word.substr(0, end)), word.substr(end));
}

std::string WithShortNames(absl::string_view text) {
  std::vector<std::string> words = absl::StrSplit(text, ' ');
  bool quoted = false;
  for (std::string& word : words) {
    if (!quoted) word = WithShortName(word);
    for (size_t i = 0; i < word.size(); ++i) {
      quoted ^= word[i] == '"' && (i == 0 || word[i - 1] != '\\');
    }
  }
  return absl::StrJoin(words, " ");
}

// Returns true if the line's first word is the name of the request's field `path`. The word is
// another one where the user named the field, as in `--sweep epochs=x`.
bool IsField(absl::string_view word, absl::string_view path) {
  return word == path || absl::StrCat("experiment.", word) == path;
}

}  // namespace

std::string ErrorText(const absl::Status& status) {
  google::rpc::BadRequest details;
  if (const auto payload = status.GetPayload(kBadRequestUrl); payload.has_value()) {
    (void)details.ParseFromString(std::string(*payload));
  }
  std::vector<std::string> lines;
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    const auto i = static_cast<int>(lines.size());
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    const bool is_field = i >= details.field_violations_size() ||
                          IsField(parts.first, details.field_violations(i).field());
    const std::string option = OptionOf(parts.first);
    lines.push_back(is_field && option != parts.first
                        ? absl::StrCat(option, " ", WithShortNames(parts.second))
                        : WithShortNames(line));
  }
  return absl::StrJoin(lines, "\n");
}

}  // namespace anneal::client
