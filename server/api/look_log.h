// `LogLook` logs a call that looks at test results; `TestMetricIn` says whether a list is one.

#ifndef ANNEAL_SERVER_API_LOOK_LOG_H_
#define ANNEAL_SERVER_API_LOOK_LOG_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "server/api/authorization.h"
#include "server/experiments/looks.h"

namespace anneal::api {

// Logs the look of a caller in the experiments, by their full names. Returns the number of new
// looks. An error is logged too, so that a read can be answered while the disk is full. Blocks on
// the disk.
absl::StatusOr<int> LogLook(experiments::Looks* looks, const OptionalCaller& caller,
                            v1::Look::Kind kind, const std::string& metric,
                            const std::set<std::string>& experiments);

// Returns the first metric of the test split that a filter or an order names; empty if they name
// none, or cannot be parsed. Pure.
std::string TestMetricIn(absl::string_view filter, absl::string_view order_by);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_LOOK_LOG_H_
