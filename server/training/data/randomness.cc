#include "server/training/data/randomness.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace anneal::training::data {
namespace {

enum class Stream : uint32_t { kSplit = 1, kOrder = 2, kWeights = 3 };

std::mt19937_64 Generator(int64_t seed, Stream stream, int64_t index) {
  const auto low = [](int64_t value) { return static_cast<uint32_t>(value); };
  const auto high = [](int64_t value) { return static_cast<uint32_t>(value >> 32); };
  std::seed_seq sequence{low(seed), high(seed), static_cast<uint32_t>(stream), low(index),
                         high(index)};
  return std::mt19937_64(sequence);
}

}  // namespace

Split SplitTrainingFile(const config::RunPlan& plan, int64_t images, int64_t seed) {
  std::vector<int32_t> all(static_cast<size_t>(images));
  std::iota(all.begin(), all.end(), 0);
  std::mt19937_64 generator = Generator(seed, Stream::kSplit, 0);
  std::shuffle(all.begin(), all.end(), generator);
  const auto middle = all.begin() + plan.validation_images;
  return {.train = {middle, middle + plan.train_images}, .validation = {all.begin(), middle}};
}

std::vector<int32_t> EpochOrder(absl::Span<const int32_t> train, int64_t seed, int64_t epoch) {
  std::vector<int32_t> order(train.begin(), train.end());
  std::mt19937_64 generator = Generator(seed, Stream::kOrder, epoch);
  std::shuffle(order.begin(), order.end(), generator);
  return order;
}

std::vector<double> StandardNormal(int64_t count, int64_t seed, int64_t layer) {
  std::vector<double> draws(static_cast<size_t>(count));
  std::mt19937_64 generator = Generator(seed, Stream::kWeights, layer);
  std::normal_distribution<double> normal;
  for (double& draw : draws) draw = normal(generator);
  return draws;
}

}  // namespace anneal::training::data
