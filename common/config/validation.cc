#include "common/config/validation.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/activation.h"
#include "common/config/engine_support.h"
#include "common/enum_name.h"
#include "common/status.h"

namespace anneal::config {
namespace {

constexpr int64_t kMaxBatchActivations = int64_t{1} << 28;  // floats: 1 GiB
constexpr double kMaxRate = 1000;
constexpr int kMaxLayers = 64;
// PlanRun knows how long the run is; here only the sign can be wrong.
constexpr int64_t kMaxUnits = std::numeric_limits<int64_t>::max();

// All digits that matter: a value just out of range must not be shown as one in it.
std::string Number(double value) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  return {buffer, end.ptr};
}

// Sets a field of `config` to its default unless the user did.
#define ANNEAL_DEFAULT(config, field, value) \
  if (!(config)->has_##field()) (config)->set_##field(value)

void ResolveLayers(v1::NetworkConfig* network) {
  if (network->layers_size() == 0) {
    const auto add = [network](int kernel, v1::Pool pool) {
      v1::ConvLayer* conv = network->add_layers()->mutable_conv();
      conv->set_filters(16);
      conv->set_kernel(kernel);
      conv->set_pool(pool);
    };
    add(4, v1::POOL_MAX);
    add(3, v1::POOL_MAX);
    add(3, v1::POOL_NONE);
  }
  for (v1::HiddenLayer& layer : *network->mutable_layers()) {
    if (!layer.has_conv()) continue;
    v1::ConvLayer* conv = layer.mutable_conv();
    ANNEAL_DEFAULT(conv, stride, 1);
    ANNEAL_DEFAULT(conv, padding, 0);
    ANNEAL_DEFAULT(conv, pool, v1::POOL_NONE);
    ANNEAL_DEFAULT(conv, pool_size, 2);
  }
}

void ResolveTheta(v1::ThetaConfig* theta) {
  ANNEAL_DEFAULT(theta, policy, v1::THETA_POLICY_FIXED);
  ANNEAL_DEFAULT(theta, granularity, v1::THETA_GRANULARITY_NETWORK);
  ANNEAL_DEFAULT(theta, schedule, v1::THETA_SCHEDULE_LINEAR);
  ANNEAL_DEFAULT(theta, start,
                 theta->policy() == v1::THETA_POLICY_FIXED ? kThetaRelu : kThetaLinear);
  ANNEAL_DEFAULT(theta, end, kThetaRelu);
  ANNEAL_DEFAULT(theta, unit, v1::SCHEDULE_UNIT_EPOCH);
  ANNEAL_DEFAULT(theta, power, 2);
  ANNEAL_DEFAULT(theta, rate, 5);
  ANNEAL_DEFAULT(theta, steps, 4);
  ANNEAL_DEFAULT(theta->mutable_plateau(), notch, 0.1);
  ANNEAL_DEFAULT(theta->mutable_plateau(), patience, 1);
  ANNEAL_DEFAULT(theta->mutable_plateau(), tolerance, 0.05);
  ANNEAL_DEFAULT(theta, learning_rate, 0.001);
  ANNEAL_DEFAULT(theta, lower_bound, 0);
  ANNEAL_DEFAULT(theta, upper_bound, kThetaLinear);
}

void ResolveOptimizer(v1::OptimizerConfig* optimizer) {
  ANNEAL_DEFAULT(optimizer, kind, v1::OPTIMIZER_KIND_ADAM);
  ANNEAL_DEFAULT(optimizer, learning_rate, 0.001);
  ANNEAL_DEFAULT(optimizer, schedule, v1::LEARNING_RATE_SCHEDULE_CONSTANT);
  ANNEAL_DEFAULT(optimizer, warmup_epochs, 0);
  ANNEAL_DEFAULT(optimizer, final_factor, 0.01);
  ANNEAL_DEFAULT(optimizer, step_epochs, 10);
  ANNEAL_DEFAULT(optimizer, step_factor, 0.1);
  ANNEAL_DEFAULT(optimizer, momentum, 0);
  ANNEAL_DEFAULT(optimizer, nesterov, false);
  ANNEAL_DEFAULT(optimizer, beta1, 0.9);
  ANNEAL_DEFAULT(optimizer, beta2, 0.999);
  ANNEAL_DEFAULT(optimizer, epsilon, 1e-8);
  ANNEAL_DEFAULT(optimizer, weight_decay, 0.01);
  ANNEAL_DEFAULT(optimizer, clip_norm, 0);
}

// Collects violations of ranges, written as the proto's comments write them.
class Checker {
 public:
  void Whole(absl::string_view field, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    violations.Add(field, absl::StrCat("is ", value, "; allowed is ", low, "..", high));
  }

  // low..high, where a bound that is not allowed itself is `open`. NaN is never in range.
  void Real(absl::string_view field, double value, double low, double high, bool open_low = false,
            bool open_high = false) {
    const bool above = open_low ? value > low : value >= low;
    const bool below = open_high ? value < high : value <= high;
    if (above && below) return;
    violations.Add(
        field, absl::StrCat("is ", Number(value), "; allowed is ", low,
                            open_low ? " < value " : " <= value ", open_high ? "< " : "<= ", high));
  }

  void Angle(absl::string_view field, double value) {
    if (value >= kThetaRelu && value <= kThetaLinear) return;
    violations.Add(field, absl::StrCat("is ", Number(value),
                                       "; allowed is 0..pi/4 (0.7853981633974483) radians"));
  }

  // A value of an enum that this version knows and that says something.
  template <typename Enum>
  void Choice(absl::string_view field, Enum value) {
    const auto* type = google::protobuf::GetEnumDescriptor<Enum>();
    if (value != 0 && type->FindValueByNumber(value) != nullptr) return;
    violations.Add(field, absl::StrCat("is ", static_cast<int>(value), ", which is not one of ",
                                       EnumChoices(*type)));
  }

  FieldViolations violations;
};

void CheckLayers(const v1::NetworkConfig& network, Checker* check) {
  if (network.layers_size() > kMaxLayers) {
    check->violations.Add("network.layers",
                          absl::StrCat("has ", network.layers_size(), " layers; at most ",
                                       kMaxLayers, " are allowed"));
  }
  for (int i = 0; i < network.layers_size(); ++i) {
    const v1::HiddenLayer& layer = network.layers(i);
    const std::string field = absl::StrCat("network.layers.", i);
    if (layer.has_conv()) {
      const v1::ConvLayer& conv = layer.conv();
      check->Whole(field + ".conv.filters", conv.filters(), 1, 4096);
      check->Whole(field + ".conv.kernel", conv.kernel(), 1, 64);
      check->Whole(field + ".conv.stride", conv.stride(), 1, 64);
      check->Whole(field + ".conv.padding", conv.padding(), 0, std::max(conv.kernel(), 1) - 1);
      check->Choice(field + ".conv.pool", conv.pool());
      check->Whole(field + ".conv.pool_size", conv.pool_size(), 2, 64);
    } else if (layer.has_dense()) {
      check->Whole(field + ".dense.units", layer.dense().units(), 1, 65536);
    } else {
      check->violations.Add(field, "is empty; set conv or dense");
    }
  }
  check->Choice("network.init_gain", network.init_gain());
}

void CheckSchedule(const v1::ThetaConfig& theta, Checker* check) {
  check->Choice("theta.schedule", theta.schedule());
  check->Choice("theta.unit", theta.unit());
  check->Angle("theta.end", theta.end());
  check->Real("theta.power", theta.power(), 0, 100, /*open_low=*/true);
  check->Real("theta.rate", theta.rate(), 0, 100, /*open_low=*/true);
  check->Whole("theta.steps", theta.steps(), 1, 10000);
  check->Real("theta.plateau.notch", theta.plateau().notch(), 0, 1, /*open_low=*/true);
  check->Whole("theta.plateau.patience", theta.plateau().patience(), 1, 100000);
  check->Real("theta.plateau.tolerance", theta.plateau().tolerance(), 0, 1, /*open_low=*/false,
              /*open_high=*/true);
  if (theta.has_hold()) check->Whole("theta.hold", theta.hold(), 0, kMaxUnits);
  if (theta.has_span()) check->Whole("theta.span", theta.span(), 1, kMaxUnits);
  if (theta.policy() != v1::THETA_POLICY_SCHEDULED) return;
  const bool plateau = theta.schedule() == v1::THETA_SCHEDULE_PLATEAU;
  if (plateau && theta.unit() != v1::SCHEDULE_UNIT_EPOCH) {
    check->violations.Add("theta.unit", "is STEP; PLATEAU looks at the loss of epochs: use EPOCH");
  }
  if (theta.has_span() && (plateau || theta.schedule() == v1::THETA_SCHEDULE_JUMP)) {
    check->violations.Add("theta.span", absl::StrCat("is set, but ", EnumName(theta.schedule()),
                                                     " has no span: leave it out"));
  }
  if (theta.schedule() != v1::THETA_SCHEDULE_CONSTANT && theta.start() == theta.end()) {
    check->violations.Add("theta.start", absl::StrCat("is ", Number(theta.start()),
                                                      ", the same as theta.end: nothing would be "
                                                      "annealed; pi/4 is linear, 0 is ReLU"));
  }
}

void CheckTheta(const v1::ThetaConfig& theta, Checker* check) {
  check->Choice("theta.policy", theta.policy());
  check->Choice("theta.granularity", theta.granularity());
  check->Angle("theta.start", theta.start());
  CheckSchedule(theta, check);
  check->Real("theta.learning_rate", theta.learning_rate(), 0, kMaxRate, /*open_low=*/true);
  check->Angle("theta.lower_bound", theta.lower_bound());
  check->Angle("theta.upper_bound", theta.upper_bound());
  if (theta.policy() != v1::THETA_POLICY_TRAINABLE) return;
  if (theta.lower_bound() >= theta.upper_bound()) {
    check->violations.Add("theta.lower_bound",
                          absl::StrCat("is ", Number(theta.lower_bound()),
                                       "; it must be below theta.upper_bound, which is ",
                                       Number(theta.upper_bound())));
  } else if (theta.start() < theta.lower_bound() || theta.start() > theta.upper_bound()) {
    check->violations.Add(
        "theta.start",
        absl::StrCat("is ", Number(theta.start()), ", outside its bounds ",
                     Number(theta.lower_bound()), "..", Number(theta.upper_bound())));
  }
}

void CheckOptimizer(const v1::TrainingConfig& config, Checker* check) {
  const v1::OptimizerConfig& optimizer = config.optimizer();
  check->Choice("optimizer.kind", optimizer.kind());
  check->Real("optimizer.learning_rate", optimizer.learning_rate(), 0, kMaxRate, /*open_low=*/true);
  check->Choice("optimizer.schedule", optimizer.schedule());
  check->Real("optimizer.warmup_epochs", optimizer.warmup_epochs(), 0, config.epochs());
  check->Real("optimizer.final_factor", optimizer.final_factor(), 0, 1);
  if (optimizer.has_schedule_epochs()) {
    check->Whole("optimizer.schedule_epochs", optimizer.schedule_epochs(), 1,
                 std::max(config.epochs(), 1));
  }
  check->Whole("optimizer.step_epochs", optimizer.step_epochs(), 1, 100000);
  check->Real("optimizer.step_factor", optimizer.step_factor(), 0, 1, /*open_low=*/true);
  check->Real("optimizer.momentum", optimizer.momentum(), 0, 1, false, /*open_high=*/true);
  check->Real("optimizer.beta1", optimizer.beta1(), 0, 1, false, /*open_high=*/true);
  check->Real("optimizer.beta2", optimizer.beta2(), 0, 1, false, /*open_high=*/true);
  check->Real("optimizer.epsilon", optimizer.epsilon(), 0, 1, /*open_low=*/true);
  check->Real("optimizer.weight_decay", optimizer.weight_decay(), 0, 1);
  check->Real("optimizer.clip_norm", optimizer.clip_norm(), 0, 1e9);
  if (optimizer.nesterov() && optimizer.momentum() == 0) {
    check->violations.Add("optimizer.nesterov", "is true, but optimizer.momentum is 0; set one");
  }
}

void CheckRest(const v1::TrainingConfig& config, Checker* check) {
  if (config.dataset().name().empty() || config.dataset().name().size() > 64) {
    check->violations.Add("dataset.name", "must have 1 to 64 bytes");
  }
  check->Real("dataset.validation_fraction", config.dataset().validation_fraction(), 0, 1, true,
              true);
  check->Whole("dataset.train_limit", config.dataset().train_limit(), 0, 1'000'000'000);
  check->Real("regularizer.l1", config.regularizer().l1(), 0, kMaxRate);
  check->Real("regularizer.l2", config.regularizer().l2(), 0, kMaxRate);
  check->Whole("epochs", config.epochs(), 1, 100000);
  check->Whole("batch_size", config.batch_size(), 1, 65536);
  check->Whole("early_stopping.patience", config.early_stopping().patience(), 0, 100000);
  check->Real("early_stopping.min_delta", config.early_stopping().min_delta(), 0, 1000);
  check->Whole("diagnostics.hessian_every", config.diagnostics().hessian_every(), 0, 100000);
  check->Whole("diagnostics.probe_size", config.diagnostics().probe_size(), 1, 10000);
  check->Choice("engine", config.engine());
  if (config.engine() == v1::ENGINE_KIND_FUSED) {
    if (const auto unsupported = FindUnsupportedByFused(config); unsupported.has_value()) {
      check->violations.Add(
          "engine", absl::StrCat("is FUSED, which does not support ", unsupported->field,
                                 unsupported->value.empty() ? "" : "=", unsupported->value,
                                 "; use AUTO or REFERENCE, or leave ", unsupported->field, " out"));
    }
  }
  check->Whole("checkpoint.every_epochs", config.checkpoint().every_epochs(), 1, 100000);
  check->Real("checkpoint.every_seconds", config.checkpoint().every_seconds(), 0, 86400);
}

void CheckLength(const v1::TrainingConfig& config, RunLength length, FieldViolations* violations) {
  const v1::ThetaConfig& theta = config.theta();
  if (theta.policy() != v1::THETA_POLICY_SCHEDULED ||
      theta.schedule() == v1::THETA_SCHEDULE_CONSTANT) {
    return;
  }
  const int64_t last = ThetaSchedule::LastUnit(theta, length);
  const std::string unit = theta.unit() == v1::SCHEDULE_UNIT_STEP ? "steps" : "epochs";
  const std::string run = absl::StrCat("the run has ", last + 1, " ", unit);
  if (last < 1) {
    violations->Add("epochs", absl::StrCat("is ", config.epochs(), ": ", run,
                                           ", and theta needs 2 to move; use more epochs or "
                                           "theta.unit=STEP"));
    return;
  }
  if (theta.hold() > last) {
    violations->Add("theta.hold",
                    absl::StrCat("is ", theta.hold(), "; ", run, ": allowed is 0..", last));
    return;
  }
  if (theta.schedule() == v1::THETA_SCHEDULE_JUMP ||
      theta.schedule() == v1::THETA_SCHEDULE_PLATEAU) {
    return;
  }
  const int64_t most = last - theta.hold();
  if (most < 1) {
    violations->Add("theta.hold", absl::StrCat("is ", theta.hold(), "; ", run,
                                               ", which leaves none to reach theta.end: allowed is "
                                               "0..",
                                               last - 1));
  } else if (theta.span() > most) {
    violations->Add("theta.span", absl::StrCat("is ", theta.span(), "; ", run, ", ", theta.hold(),
                                               " of them held: allowed is 1..", most));
  }
}

}  // namespace

v1::TrainingConfig ResolveConfig(v1::TrainingConfig config) {
  ANNEAL_DEFAULT(config.mutable_dataset(), name, "mnist");
  ANNEAL_DEFAULT(config.mutable_dataset(), validation_fraction, 0.1);
  ANNEAL_DEFAULT(config.mutable_dataset(), train_limit, 0);
  ResolveLayers(config.mutable_network());
  ANNEAL_DEFAULT(config.mutable_network(), init_gain, v1::INIT_GAIN_THETA);
  ANNEAL_DEFAULT(config.mutable_network(), batch_norm, false);
  ResolveTheta(config.mutable_theta());
  ResolveOptimizer(config.mutable_optimizer());
  ANNEAL_DEFAULT(config.mutable_regularizer(), l1, 0);
  ANNEAL_DEFAULT(config.mutable_regularizer(), l2, 0);
  ANNEAL_DEFAULT(&config, epochs, 10);
  ANNEAL_DEFAULT(&config, batch_size, 32);
  ANNEAL_DEFAULT(config.mutable_early_stopping(), patience, 0);
  ANNEAL_DEFAULT(config.mutable_early_stopping(), min_delta, 0);
  ANNEAL_DEFAULT(config.mutable_diagnostics(), activations, false);
  ANNEAL_DEFAULT(config.mutable_diagnostics(), convexity, false);
  ANNEAL_DEFAULT(config.mutable_diagnostics(), hessian_every, 0);
  ANNEAL_DEFAULT(config.mutable_diagnostics(), probe_size, 256);
  ANNEAL_DEFAULT(&config, engine, v1::ENGINE_KIND_AUTO);
  ANNEAL_DEFAULT(config.mutable_checkpoint(), every_epochs, 1);
  ANNEAL_DEFAULT(config.mutable_checkpoint(), every_seconds, 60);
  return config;
}

#undef ANNEAL_DEFAULT

absl::Status CheckConfig(const v1::TrainingConfig& config) {
  Checker check;
  CheckRest(config, &check);
  CheckLayers(config.network(), &check);
  CheckTheta(config.theta(), &check);
  CheckOptimizer(config, &check);
  return check.violations.ToStatus();
}

absl::StatusOr<RunPlan> PlanRun(const v1::TrainingConfig& config, const DatasetShape& data) {
  FieldViolations violations;
  RunPlan plan;
  plan.validation_images =
      std::llround(static_cast<double>(data.train_images) * config.dataset().validation_fraction());
  plan.train_images = data.train_images - plan.validation_images;
  if (plan.validation_images < 1 || plan.train_images < 1) {
    violations.Add(
        "dataset.validation_fraction",
        absl::StrCat("is ", Number(config.dataset().validation_fraction()), ", which splits ",
                     data.train_images, " images into ", plan.train_images, " for training and ",
                     plan.validation_images, " for validation; both need one"));
    PlanNetwork(config.network(), config.theta(), data, &violations);
    return violations.ToStatus();
  }
  if (config.dataset().train_limit() > 0) {
    plan.train_images = std::min<int64_t>(plan.train_images, config.dataset().train_limit());
  }
  if (config.batch_size() > plan.train_images) {
    violations.Add("batch_size",
                   absl::StrCat("is ", config.batch_size(), "; the training split has ",
                                plan.train_images, " images: allowed is 1..", plan.train_images));
  }
  const v1::DiagnosticsConfig& diagnostics = config.diagnostics();
  const bool probes =
      diagnostics.activations() || diagnostics.convexity() || diagnostics.hessian_every() > 0;
  if (probes && diagnostics.probe_size() > plan.validation_images) {
    violations.Add(
        "diagnostics.probe_size",
        absl::StrCat("is ", diagnostics.probe_size(), "; the validation split has ",
                     plan.validation_images, " images: allowed is 1..", plan.validation_images));
  }
  plan.length.epochs = config.epochs();
  plan.length.steps_per_epoch = (plan.train_images + config.batch_size() - 1) / config.batch_size();
  CheckLength(config, plan.length, &violations);
  plan.network = PlanNetwork(config.network(), config.theta(), data, &violations);
  if (violations.empty() && plan.network.activations * config.batch_size() > kMaxBatchActivations) {
    violations.Add("batch_size",
                   absl::StrCat("is ", config.batch_size(), "; with ", plan.network.activations,
                                " values an image this network's activations allow 1..",
                                kMaxBatchActivations / plan.network.activations));
  }
  if (!violations.empty()) return violations.ToStatus();
  return plan;
}

}  // namespace anneal::config
