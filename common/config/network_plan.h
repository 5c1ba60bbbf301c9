// `PlanNetwork` computes the shapes and sizes of a network without allocating it. Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_CONFIG_NETWORK_PLAN_H_
#define ANNEAL_COMMON_CONFIG_NETWORK_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/status.h"

namespace anneal::config {

// The input and the classes of a network. Images have one channel.
struct DatasetShape {
  int64_t height = 0;
  int64_t width = 0;
  int64_t classes = 0;
  int64_t train_images = 0;  // in the training file, before the split
};

struct FeatureShape {
  int64_t channels = 0;
  int64_t height = 1;
  int64_t width = 1;
  int64_t units() const { return channels * height * width; }
  friend bool operator==(const FeatureShape&, const FeatureShape&) = default;
};

struct LayerPlan {
  // A resolved conv or dense layer; the output layer is a dense one.
  v1::HiddenLayer config;
  FeatureShape input;
  FeatureShape affine;  // after the affine map, before the pool
  FeatureShape output;
  int64_t fan_in = 0;
  int64_t weights = 0;
  int64_t parameters = 0;  // weights, biases, and normalisation's scale and shift
  int64_t thetas = 0;      // this layer's own thetas; 0 if the network shares one
  int64_t multiply_adds = 0;
};

struct NetworkPlan {
  std::vector<LayerPlan> layers;  // hidden layers, then the output layer
  int64_t parameters = 0;
  int64_t thetas = 0;
  int64_t multiply_adds = 0;
  int64_t activations = 0;  // values kept for the backward pass of one image, about
};

// Adds a violation for every layer of no kind, and for every conv layer after a dense one.
void CheckLayerKinds(const v1::NetworkConfig& config, FieldViolations* violations);

// Adds a violation for every layer that does not fit its input, and for sizes beyond the limits of
// this system (50 million parameters, 262,144 thetas in a layer, 4 million values in a feature
// map). `config` and `theta` must be resolved; a layer that has a violation already ends the plan,
// so that no shape is computed from invalid numbers. Returns the plan, which is meaningless if the
// network or theta has violations.
NetworkPlan PlanNetwork(const v1::NetworkConfig& config, const v1::ThetaConfig& theta,
                        const DatasetShape& data, FieldViolations* violations);

v1::NetworkSummary Summarize(const NetworkPlan& plan);

}  // namespace anneal::config

#endif  // ANNEAL_COMMON_CONFIG_NETWORK_PLAN_H_
