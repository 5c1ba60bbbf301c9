#include "server/commands/arguments.h"

#include <cstdint>
#include <iostream>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::commands {

int Complain(const absl::Status& status) {
  std::cerr << "anneald: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? kUsageError : 1;
}

absl::StatusOr<absl::Duration> ParseAge(absl::string_view option, absl::string_view text) {
  constexpr int64_t kMost = 100'000;
  const std::map<char, absl::Duration> units = {
      {'d', absl::Hours(24)}, {'h', absl::Hours(1)}, {'m', absl::Minutes(1)}};
  int64_t count = 0;
  const auto unit = text.empty() ? units.end() : units.find(text.back());
  if (unit == units.end() || !absl::SimpleAtoi(text.substr(0, text.size() - 1), &count) ||
      count < 1 || count > kMost) {
    return InvalidField(option, absl::StrCat("is ", Quoted(text),
                                             "; give days, hours or minutes such as 30d, 12h or "
                                             "90m"));
  }
  return count * unit->second;
}

}  // namespace anneal::commands
