// `ArmData` is the runs that a figure shows together. Plain values.

#ifndef ANNEAL_CLIENT_PLOT_ARM_DATA_H_
#define ANNEAL_CLIENT_PLOT_ARM_DATA_H_

#include <string>
#include <vector>

#include "anneal/v1/resources.pb.h"

namespace anneal::client::plot {

struct RunData {
  v1::Run run;  // with config
  std::vector<v1::Epoch> epochs;
};

// Runs that differ only in their seeds or in fields that the grouping ignores.
struct ArmData {
  std::string name;
  std::vector<RunData> runs;  // at least one
};

}  // namespace anneal::client::plot

#endif  // ANNEAL_CLIENT_PLOT_ARM_DATA_H_
