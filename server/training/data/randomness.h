// These functions draw all random numbers of a run. Each purpose has an independent stream that
// depends on the seed only: arms with the same seed have the same split, order and initial weights,
// and the order of an epoch does not depend on earlier epochs. Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_
#define ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "common/config/validation.h"

namespace anneal::training::data {

// The training and validation splits of the training file, as indices of its images.
struct Split {
  std::vector<int32_t> train;
  std::vector<int32_t> validation;
};

// Splits `images` images at random into splits of the plan's sizes; the limit on training images
// applies after the split.
Split SplitTrainingFile(const config::RunPlan& plan, int64_t images, int64_t seed);

// Returns the order in which epoch `epoch`, counted from 0, visits the training split: a random
// permutation of `train`.
std::vector<int32_t> EpochOrder(absl::Span<const int32_t> train, int64_t seed, int64_t epoch);

// Returns `count` independent standard normal draws of layer `layer`'s stream.
std::vector<double> StandardNormal(int64_t count, int64_t seed, int64_t layer);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_RANDOMNESS_H_
