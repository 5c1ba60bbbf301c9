// Places on the way to the disk at which a test can have this process killed, to see what the next
// one finds there. In builds without tests there are none.

#ifndef ANNEAL_SERVER_STORE_FAULT_POINT_H_
#define ANNEAL_SERVER_STORE_FAULT_POINT_H_

#include "absl/strings/string_view.h"

namespace anneal::store {

// SIGKILL, if ANNEAL_CRASH_AT=NAME[:N] names this point and it is reached for the Nth time (the
// first, without N). Thread-safe.
#ifdef ANNEAL_FAULT_POINTS
void FaultPoint(absl::string_view name);
#else
inline void FaultPoint(absl::string_view /*name*/) {}
#endif

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_FAULT_POINT_H_
