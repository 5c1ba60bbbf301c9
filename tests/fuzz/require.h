// `Require` aborts if a property does not hold, so that the fuzzer writes the input to disk.

#ifndef ANNEAL_TESTS_FUZZ_REQUIRE_H_
#define ANNEAL_TESTS_FUZZ_REQUIRE_H_

#include <cstdlib>
#include <iostream>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace anneal::fuzz {

inline void Require(bool holds, absl::string_view what) {
  if (holds) return;
  std::cerr << "does not hold: " << what << std::endl;
  std::abort();
}

inline void RequireOk(const absl::Status& status, absl::string_view what) {
  if (!status.ok()) std::cerr << status << std::endl;
  Require(status.ok(), what);
}

}  // namespace anneal::fuzz

#endif  // ANNEAL_TESTS_FUZZ_REQUIRE_H_
