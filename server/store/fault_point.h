// Fault points are named places on the write path at which a test can kill the process, to test
// recovery by the next process. Builds without tests have none.

#ifndef ANNEAL_SERVER_STORE_FAULT_POINT_H_
#define ANNEAL_SERVER_STORE_FAULT_POINT_H_

#include "absl/strings/string_view.h"

namespace anneal::store {

// Sends SIGKILL to this process if ANNEAL_CRASH_AT=NAME[:N] names this point and it is reached for
// the Nth time (default 1). Thread-safe.
#ifdef ANNEAL_FAULT_POINTS
void FaultPoint(absl::string_view name);
#else
inline void FaultPoint(absl::string_view /*name*/) {}
#endif

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_FAULT_POINT_H_
