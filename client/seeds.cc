#include "client/seeds.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/config/sweep.h"
#include "common/status.h"

namespace anneal::client {
namespace {

absl::Status BadSeeds(absl::string_view text, absl::string_view what) {
  return InvalidField("--seeds", absl::StrCat("is \"", text, "\"", what,
                                              "; expected numbers and ranges, such as 0..3 or "
                                              "1,5,9"));
}

}  // namespace

absl::StatusOr<std::vector<int64_t>> ParseSeeds(absl::string_view text) {
  std::vector<int64_t> seeds;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, "..");
    int64_t first = 0;
    int64_t last = 0;
    if (ends.size() > 2 || !absl::SimpleAtoi(ends.front(), &first) ||
        !absl::SimpleAtoi(ends.back(), &last) || last < first) {
      return BadSeeds(text, "");
    }
    // Unsigned arithmetic holds the difference of any two seeds.
    const uint64_t more = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
    if (more >= static_cast<uint64_t>(config::kMaxRunsPerExperiment) - seeds.size()) {
      return BadSeeds(text, absl::StrCat(", more than ", config::kMaxRunsPerExperiment, " seeds"));
    }
    for (uint64_t i = 0; i <= more; ++i) seeds.push_back(first + static_cast<int64_t>(i));
  }
  return seeds;
}

}  // namespace anneal::client
