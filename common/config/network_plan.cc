#include "common/config/network_plan.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/enum_name.h"

namespace anneal::config {
namespace {

constexpr int64_t kMaxParameters = 50'000'000;
constexpr int64_t kMaxLayerThetas = int64_t{1} << 18;  // a theta vector must fit a message
constexpr int64_t kMaxFeatureUnits = int64_t{1} << 22;

int64_t ThetasOf(v1::ThetaGranularity granularity, const FeatureShape& output) {
  switch (granularity) {
    case v1::THETA_GRANULARITY_LAYER:
      return 1;
    case v1::THETA_GRANULARITY_CHANNEL:
      return output.channels;
    case v1::THETA_GRANULARITY_NEURON:
      return output.units();
    default:  // NETWORK
      static_assert(v1::ThetaGranularity_ARRAYSIZE == 5, "count the thetas of the new granularity");
      return 0;
  }
}

void PlanConv(const v1::ConvLayer& conv, const std::string& field, LayerPlan* layer,
              FieldViolations* violations) {
  const FeatureShape& input = layer->input;
  const int64_t side = std::min(input.height, input.width) + 2 * int64_t{conv.padding()};
  if (conv.kernel() > side) {
    violations->Add(
        absl::StrCat(field, ".conv.kernel"),
        absl::StrCat("is ", conv.kernel(), ", larger than its input of ", input.height, "x",
                     input.width, " with padding ", conv.padding(), "; allowed is 1..", side));
    return;
  }
  layer->affine.channels = conv.filters();
  layer->affine.height =
      (input.height + 2 * int64_t{conv.padding()} - conv.kernel()) / conv.stride() + 1;
  layer->affine.width =
      (input.width + 2 * int64_t{conv.padding()} - conv.kernel()) / conv.stride() + 1;
  layer->output = layer->affine;
  if (conv.pool() != v1::POOL_NONE) {
    layer->output.height /= conv.pool_size();
    layer->output.width /= conv.pool_size();
    if (layer->output.height == 0 || layer->output.width == 0) {
      violations->Add(
          absl::StrCat(field, ".conv.pool_size"),
          absl::StrCat("is ", conv.pool_size(), ", larger than the ", layer->affine.height, "x",
                       layer->affine.width, " that the convolution leaves"));
    }
  }
  layer->fan_in = input.channels * conv.kernel() * conv.kernel();
  layer->multiply_adds = layer->affine.units() * layer->fan_in;
}

void PlanDense(const v1::DenseLayer& dense, LayerPlan* layer) {
  layer->affine = {.channels = dense.units()};
  layer->output = layer->affine;
  layer->fan_in = layer->input.units();
  layer->multiply_adds = dense.units() * layer->fan_in;
}

// Computes the sizes that follow from the affine map's shape.
void Count(bool batch_norm, LayerPlan* layer) {
  layer->weights = layer->affine.channels * layer->fan_in;
  layer->parameters = layer->weights + layer->affine.channels * (batch_norm ? 3 : 1);
}

// Returns false for a layer so large that the sizes of later layers could overflow.
bool CheckSize(const std::string& field, const LayerPlan& layer, FieldViolations* violations) {
  const bool fits = layer.affine.units() <= kMaxFeatureUnits;
  if (!fits) {
    violations->Add(field, absl::StrCat("has a feature map of ", layer.affine.units(),
                                        " values; at most ", kMaxFeatureUnits, " are allowed"));
  }
  if (layer.thetas > kMaxLayerThetas) {
    violations->Add("theta.granularity",
                    absl::StrCat("gives ", field, " ", layer.thetas, " thetas; at most ",
                                 kMaxLayerThetas, " are allowed: use CHANNEL or a smaller layer"));
  }
  return fits;
}

void Accumulate(LayerPlan layer, NetworkPlan* plan) {
  plan->parameters += layer.parameters;
  plan->thetas += layer.thetas;
  plan->multiply_adds += layer.multiply_adds;
  plan->activations += layer.affine.units() + layer.output.units();
  plan->layers.push_back(std::move(layer));
}

std::string DescribeConv(const v1::ConvLayer& conv) {
  std::string text = absl::StrCat("conv ", conv.filters(), "@", conv.kernel(), "x", conv.kernel());
  if (conv.stride() != 1) absl::StrAppend(&text, ", stride ", conv.stride());
  if (conv.padding() != 0) absl::StrAppend(&text, ", padding ", conv.padding());
  if (conv.pool() != v1::POOL_NONE) {
    absl::StrAppend(&text, ", ", absl::AsciiStrToLower(EnumName(conv.pool())), "-pool ",
                    conv.pool_size());
  }
  return text;
}

// Sets the description and the output shape of a layer.
void DescribeLayer(const LayerPlan& layer, v1::LayerSummary* out) {
  out->add_output_shape(static_cast<int32_t>(layer.output.channels));
  switch (layer.config.kind_case()) {
    case v1::HiddenLayer::kConv:
      out->set_description(DescribeConv(layer.config.conv()));
      out->add_output_shape(static_cast<int32_t>(layer.output.height));
      out->add_output_shape(static_cast<int32_t>(layer.output.width));
      return;
    case v1::HiddenLayer::kDense:
      out->set_description(absl::StrCat("dense ", layer.affine.channels));
      return;
    case v1::HiddenLayer::KIND_NOT_SET:
      return;
  }
}

// Plans a layer by its kind and input. Returns false if it does not fit the input.
bool PlanKind(const std::string& field, LayerPlan* layer, FieldViolations* violations) {
  switch (layer->config.kind_case()) {
    case v1::HiddenLayer::kConv:
      PlanConv(layer->config.conv(), field, layer, violations);
      return layer->output.units() > 0;
    case v1::HiddenLayer::kDense:
      PlanDense(layer->config.dense(), layer);
      return true;
    case v1::HiddenLayer::KIND_NOT_SET:
      return false;
  }
  return false;
}

}  // namespace

void CheckLayerKinds(const v1::NetworkConfig& config, FieldViolations* violations) {
  bool after_dense = false;
  for (int i = 0; i < config.layers_size(); ++i) {
    const std::string field = absl::StrCat("network.layers.", i);
    switch (config.layers(i).kind_case()) {
      case v1::HiddenLayer::kConv:
        if (after_dense) {
          violations->Add(field, "is a conv layer after a dense one; put conv layers first");
        }
        break;
      case v1::HiddenLayer::kDense:
        after_dense = true;
        break;
      case v1::HiddenLayer::KIND_NOT_SET:
        violations->Add(field, "is empty; set conv or dense");
        break;
    }
  }
}

NetworkPlan PlanNetwork(const v1::NetworkConfig& config, const v1::ThetaConfig& theta,
                        const DatasetShape& data, FieldViolations* violations) {
  NetworkPlan plan;
  // A theta that the network shares counts once; granularity applies to TRAINABLE only.
  const bool own_thetas = theta.policy() == v1::THETA_POLICY_TRAINABLE &&
                          theta.granularity() != v1::THETA_GRANULARITY_NETWORK;
  if (!own_thetas) plan.thetas = 1;
  FeatureShape input = {.channels = 1, .height = data.height, .width = data.width};
  for (int i = 0; i < config.layers_size(); ++i) {
    const std::string field = absl::StrCat("network.layers.", i);
    if (violations->Has(field)) return plan;
    LayerPlan layer;
    layer.config = config.layers(i);
    layer.input = input;
    if (!PlanKind(field, &layer, violations)) return plan;
    Count(config.batch_norm(), &layer);
    if (own_thetas) layer.thetas = ThetasOf(theta.granularity(), layer.output);
    if (!CheckSize(field, layer, violations)) return plan;
    input = layer.output;
    Accumulate(std::move(layer), &plan);
  }
  LayerPlan output;
  output.config.mutable_dense()->set_units(static_cast<int32_t>(data.classes));
  output.input = input;
  PlanDense(output.config.dense(), &output);
  Count(/*batch_norm=*/false, &output);
  Accumulate(std::move(output), &plan);
  if (plan.parameters > kMaxParameters) {
    violations->Add("network.layers",
                    absl::StrCat("have ", plan.parameters, " parameters; at most ", kMaxParameters,
                                 " are allowed"));
  }
  return plan;
}

v1::NetworkSummary Summarize(const NetworkPlan& plan) {
  v1::NetworkSummary summary;
  for (const LayerPlan& layer : plan.layers) {
    v1::LayerSummary* out = summary.add_layers();
    DescribeLayer(layer, out);
    out->set_parameter_count(layer.parameters);
    out->set_theta_count(layer.thetas);
    out->set_multiply_adds(layer.multiply_adds);
  }
  summary.set_parameter_count(plan.parameters);
  summary.set_theta_count(plan.thetas);
  summary.set_multiply_adds(plan.multiply_adds);
  return summary;
}

}  // namespace anneal::config
