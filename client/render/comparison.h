// These functions format a comparison of arms as tables. Pure.

#ifndef ANNEAL_CLIENT_RENDER_COMPARISON_H_
#define ANNEAL_CLIENT_RENDER_COMPARISON_H_

#include <string>

#include "anneal/v1/services.pb.h"
#include "client/render/table.h"

namespace anneal::client::render {

// Each table contains the first `arms` arms.

// Returns the metric's name, with the better direction if it has one: "test_accuracy (higher is
// better)".
std::string MetricWithDirection(const v1::CompareExperimentsResponse& response);

// Means and standard deviations of the main metrics.
Table ArmTable(const v1::CompareExperimentsResponse& response, int arms);
// The metric, and paired differences to the baseline with intervals and p-values.
Table DifferenceTable(const v1::CompareExperimentsResponse& response, int arms);
// Epochs and seconds until runs reached the threshold.
Table TimeTable(const v1::CompareExperimentsResponse& response, int arms);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_COMPARISON_H_
