// All randomness of a run. Each purpose has a stream of its own, a function of the seed and nothing
// else: what one arm draws for its theta never shifts what another draws for its weights, and the
// order of any epoch is known without the epochs before it. Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_
#define ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "common/config/validation.h"

namespace anneal::training::data {

// The images of the training file, divided. Indices into the file.
struct Split {
  std::vector<int32_t> train;
  std::vector<int32_t> validation;
};

// A random split into the plan's sizes, the training part cut to its limit.
Split SplitTrainingFile(const config::RunPlan& plan, int64_t images, int64_t seed);

// The order in which epoch `epoch` (from 0) visits the training split: a random permutation of it.
std::vector<int32_t> EpochOrder(absl::Span<const int32_t> train, int64_t seed, int64_t epoch);

// `count` independent draws from the standard normal distribution, for layer `layer`.
std::vector<double> StandardNormal(int64_t count, int64_t seed, int64_t layer);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_
