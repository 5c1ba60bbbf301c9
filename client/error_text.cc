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

namespace anneal::client {
namespace {

// Fields of requests, as the daemon's messages name them, and the options that set them.
constexpr std::array<std::pair<absl::string_view, absl::string_view>, 13> kOptions = {{
    {"axes", "--sweep"},
    {"baseline", "--baseline"},
    {"experiment_id", "--id"},
    {"filter", "--filter"},
    {"group_by", "--by"},
    {"labels", "--label"},
    {"metric", "--metric"},
    {"note", "--note"},
    {"order_by", "--sort"},
    {"priority", "--priority"},
    {"request_id", "--request-id"},
    {"seeds", "--seeds"},
    {"threshold_metric", "--threshold-metric"},
}};

absl::string_view OptionOf(absl::string_view field) {
  for (const auto& [name, option] : kOptions) {
    absl::string_view rest = field;
    if (absl::ConsumePrefix(&rest, name) && (rest.empty() || rest.front() == '.')) return option;
  }
  return field;
}

// Shortens the resource name that `word` begins with; what follows it, such as a comma, stays.
std::string WithShortName(absl::string_view word) {
  if (!absl::StartsWith(word, ExperimentName(""))) return std::string(word);
  constexpr absl::string_view kOfNames = "abcdefghijklmnopqrstuvwxyz0123456789-/";
  const size_t end = std::min(word.find_first_not_of(kOfNames), word.size());
  return absl::StrCat(ShortenName(word.substr(0, end)), word.substr(end));
}

std::string LineText(absl::string_view line) {
  std::vector<std::string> words = absl::StrSplit(line, ' ');
  words.front() = std::string(OptionOf(words.front()));
  bool quoted = false;
  for (std::string& word : words) {
    if (!quoted) word = WithShortName(word);
    for (const char c : word) quoted ^= c == '"';
  }
  return absl::StrJoin(words, " ");
}

}  // namespace

std::string ErrorText(absl::string_view message) {
  return absl::StrJoin(absl::StrSplit(message, '\n'), "\n",
                       [](std::string* out, absl::string_view line) { *out += LineText(line); });
}

}  // namespace anneal::client
