// When runs that wait may start. Pure; thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_
#define ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_

#include <optional>
#include <vector>

namespace anneal::scheduling {

// A length of time that may not be known.
using Seconds = std::optional<double>;

// Seconds from now until each of the runs that wait (in their order) starts, if whichever worker is
// free first takes the next. `running` is what the running runs still take, `waiting` what each of
// those that wait will. Who waits behind a run of unknown length has an unknown start; a worker
// whose run is of unknown length is not counted on.
std::vector<Seconds> StartSeconds(int workers, const std::vector<Seconds>& running,
                                  const std::vector<Seconds>& waiting);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_
