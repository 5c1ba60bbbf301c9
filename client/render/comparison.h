// What comparisons of arms found, as tables. Pure.

#ifndef ANNEAL_CLIENT_RENDER_COMPARISON_H_
#define ANNEAL_CLIENT_RENDER_COMPARISON_H_

#include "anneal/v1/services.pb.h"
#include "client/render/table.h"

namespace anneal::client::render {

// Each has the first `arms` arms.

// Means and standard deviations of what matters most.
Table ArmTable(const v1::CompareExperimentsResponse& response, int arms);
// The metric, and paired differences to the baseline with intervals and P values.
Table DifferenceTable(const v1::CompareExperimentsResponse& response, int arms);
// How long runs took to get to the threshold.
Table TimeTable(const v1::CompareExperimentsResponse& response, int arms);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_COMPARISON_H_
