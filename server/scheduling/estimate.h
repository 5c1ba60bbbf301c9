// `StartSeconds` estimates when pending runs start. Pure; thread-safe.

#ifndef ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_
#define ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_

#include <optional>
#include <vector>

namespace anneal::scheduling {

// A length of time, or nothing where it is unknown.
using Seconds = std::optional<double>;

// Returns the seconds from now until each pending run starts, in queue order, given that the worker
// that is idle first takes the next run. `running` holds the remaining times of the running runs,
// `waiting` the full lengths of the pending ones. Runs behind a run of unknown length have an
// unknown start; a worker whose run is of unknown length never becomes idle.
std::vector<Seconds> StartSeconds(int workers, const std::vector<Seconds>& running,
                                  const std::vector<Seconds>& waiting);

}  // namespace anneal::scheduling

#endif  // ANNEAL_SERVER_SCHEDULING_ESTIMATE_H_
