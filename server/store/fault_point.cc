#include "server/store/fault_point.h"

#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace anneal::store {
namespace {

struct Crash {
  std::string point;  // empty: none
  int times = 1;
};

Crash ReadCrash() {
  const char* variable = std::getenv("ANNEAL_CRASH_AT");
  const std::vector<std::string> parts = absl::StrSplit(variable == nullptr ? "" : variable, ':');
  Crash crash{.point = parts[0]};
  if (parts.size() > 1 && !absl::SimpleAtoi(parts[1], &crash.times)) std::abort();
  return crash;
}

}  // namespace

void FaultPoint(absl::string_view name) {
  static const Crash& crash = *new Crash(ReadCrash());
  static std::atomic<int> reached = 0;
  if (name == crash.point && ++reached == crash.times) ::raise(SIGKILL);
}

}  // namespace anneal::store
