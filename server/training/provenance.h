// `ThisProvenance` describes the build and the machine that this process trains with.

#ifndef ANNEAL_SERVER_TRAINING_PROVENANCE_H_
#define ANNEAL_SERVER_TRAINING_PROVENANCE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::training {

// Computed once per process. Thread-safe.
const v1::Provenance& ThisProvenance();

// Returns the value of the first `key : value` line of /proc/cpuinfo's text; empty without one.
std::string CpuinfoValue(absl::string_view cpuinfo, absl::string_view key);

}  // namespace anneal::training

#endif  // ANNEAL_SERVER_TRAINING_PROVENANCE_H_
