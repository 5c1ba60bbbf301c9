#include "common/config/validation.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/activation.h"
#include "common/config/engine_support.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/enum_name.h"
#include "common/number_text.h"
#include "common/status.h"

namespace anneal::config {
namespace {

constexpr int64_t kMaxBatchActivations = int64_t{1} << 28;  // floats: 1 GiB

// Returns true if none of these fields has a violation, so that rules may read them.
bool AreValid(const FieldViolations& violations, std::initializer_list<absl::string_view> fields) {
  return std::none_of(fields.begin(), fields.end(),
                      [&](absl::string_view field) { return violations.Has(field); });
}

void CheckSchedule(const v1::ThetaConfig& theta, FieldViolations* violations) {
  if (!AreValid(*violations, {"theta.policy", "theta.schedule"}) ||
      theta.policy() != v1::THETA_POLICY_SCHEDULED) {
    return;
  }
  const ThetaScheduleTraits& traits = TraitsOf(theta.schedule());
  const std::string name = EnumName(theta.schedule());
  if (traits.needs_state && theta.unit() == v1::SCHEDULE_UNIT_STEP) {
    violations->Add("theta.unit",
                    absl::StrCat("is STEP; ", name, " looks at the loss of epochs: use EPOCH"));
  }
  if (theta.has_span() && traits.moves && !traits.has_span()) {
    violations->Add("theta.span", absl::StrCat("is set, but ", name, " has no span: leave it out"));
  }
  if (AreValid(*violations, {"theta.start", "theta.end"}) && traits.moves &&
      theta.start() == theta.end()) {
    violations->Add("theta.start", absl::StrCat("is ", NumberText(theta.start()),
                                                ", the same as theta.end: nothing would be "
                                                "annealed; pi/4 is linear, 0 is ReLU"));
  }
}

void CheckBounds(const v1::ThetaConfig& theta, FieldViolations* violations) {
  if (!AreValid(*violations, {"theta.policy", "theta.lower_bound", "theta.upper_bound"}) ||
      theta.policy() != v1::THETA_POLICY_TRAINABLE) {
    return;
  }
  if (theta.lower_bound() >= theta.upper_bound()) {
    violations->Add("theta.lower_bound",
                    absl::StrCat("is ", NumberText(theta.lower_bound()),
                                 "; it must be below theta.upper_bound, which is ",
                                 NumberText(theta.upper_bound())));
  } else if (AreValid(*violations, {"theta.start"}) &&
             (theta.start() < theta.lower_bound() || theta.start() > theta.upper_bound())) {
    violations->Add(
        "theta.start",
        absl::StrCat("is ", NumberText(theta.start()), ", outside its bounds ",
                     NumberText(theta.lower_bound()), "..", NumberText(theta.upper_bound())));
  }
}

void CheckEngine(const v1::TrainingConfig& config, FieldViolations* violations) {
  if (config.engine() != v1::ENGINE_KIND_FUSED) return;
  const auto unsupported = FindUnsupportedByFused(config);
  if (!unsupported.has_value() || violations->Has(unsupported->field)) return;
  violations->Add("engine",
                  absl::StrCat("is FUSED, which does not support ", unsupported->field,
                               unsupported->value.empty() ? "" : "=", unsupported->value,
                               "; use AUTO or REFERENCE, or leave ", unsupported->field, " out"));
}

// Checks the rules across fields that need no data set.
void CheckTogether(const v1::TrainingConfig& config, FieldViolations* violations) {
  CheckLayerKinds(config.network(), violations);
  CheckSchedule(config.theta(), violations);
  CheckBounds(config.theta(), violations);
  const v1::OptimizerConfig& optimizer = config.optimizer();
  if (optimizer.nesterov() && optimizer.momentum() == 0) {
    violations->Add("optimizer.nesterov", "is true, but optimizer.momentum is 0; set one");
  }
  CheckEngine(config, violations);
}

FieldViolations ViolationsOf(const v1::TrainingConfig& config) {
  FieldViolations violations;
  CheckFields(config, &violations);
  CheckTogether(config, &violations);
  return violations;
}

absl::Status InOrder(FieldViolations violations) {
  violations.Sort([](absl::string_view field) {
    return SchemaPosition(*v1::TrainingConfig::descriptor(), field);
  });
  return violations.ToStatus();
}

void CheckLength(const v1::TrainingConfig& config, RunLength length, FieldViolations* violations) {
  const v1::ThetaConfig& theta = config.theta();
  const ThetaScheduleTraits& traits = TraitsOf(theta.schedule());
  if (theta.policy() != v1::THETA_POLICY_SCHEDULED || !traits.moves ||
      !AreValid(*violations, {"epochs", "theta.policy", "theta.schedule", "theta.unit",
                              "theta.hold", "theta.span"})) {
    return;
  }
  // Without a valid split and batch size, the number of steps is unknown.
  if (theta.unit() == v1::SCHEDULE_UNIT_STEP && length.steps_per_epoch == 0) return;
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
    if (traits.has_span() && theta.span() > last) {
      violations->Add("theta.span",
                      absl::StrCat("is ", theta.span(), "; ", run, ": allowed is 1..", last));
    }
    return;
  }
  if (!traits.has_span()) return;
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

// Splits the data set. Leaves the plan without images where that cannot be done.
void PlanSplit(const v1::DatasetConfig& dataset, const DatasetShape& data, RunPlan* plan,
               FieldViolations* violations) {
  if (!AreValid(*violations, {"dataset.validation_fraction"})) return;
  const int64_t validation =
      std::llround(static_cast<double>(data.train_images) * dataset.validation_fraction());
  const int64_t train = data.train_images - validation;
  if (validation < 1 || train < 1) {
    violations->Add(
        "dataset.validation_fraction",
        absl::StrCat("is ", NumberText(dataset.validation_fraction()), ", which splits ",
                     data.train_images, " images into ", train, " for training and ", validation,
                     " for validation; both need one"));
    return;
  }
  plan->validation_images = validation;
  plan->train_images = train;
  if (AreValid(*violations, {"dataset.train_limit"}) && dataset.train_limit() > 0) {
    plan->train_images = std::min<int64_t>(train, dataset.train_limit());
  }
}

// Checks that a batch fits the training split, and the probe batch the validation split.
void CheckSplit(const v1::TrainingConfig& config, const RunPlan& plan,
                FieldViolations* violations) {
  if (plan.train_images == 0) return;
  if (AreValid(*violations, {"batch_size", "dataset.train_limit"}) &&
      config.batch_size() > plan.train_images) {
    violations->Add("batch_size",
                    absl::StrCat("is ", config.batch_size(), "; the training split has ",
                                 plan.train_images, " images: allowed is 1..", plan.train_images));
  }
  const v1::DiagnosticsConfig& diagnostics = config.diagnostics();
  const bool probes =
      diagnostics.activations() || diagnostics.convexity() || diagnostics.hessian_every() > 0;
  if (probes && AreValid(*violations, {"diagnostics.probe_size"}) &&
      diagnostics.probe_size() > plan.validation_images) {
    violations->Add(
        "diagnostics.probe_size",
        absl::StrCat("is ", diagnostics.probe_size(), "; the validation split has ",
                     plan.validation_images, " images: allowed is 1..", plan.validation_images));
  }
}

void CheckBatchMemory(int64_t batch_size, const NetworkPlan& network, FieldViolations* violations) {
  if (!AreValid(*violations, {"batch_size", "network.layers"})) return;
  if (network.activations * batch_size <= kMaxBatchActivations) return;
  violations->Add("batch_size",
                  absl::StrCat("is ", batch_size, "; with ", network.activations,
                               " values an image this network's activations allow 1..",
                               kMaxBatchActivations / network.activations));
}

}  // namespace

v1::TrainingConfig ResolveConfig(v1::TrainingConfig config) {
  ApplyDefaults(&config);
  v1::ThetaConfig* theta = config.mutable_theta();
  if (!theta->has_start()) {
    theta->set_start(theta->policy() == v1::THETA_POLICY_FIXED ? kThetaRelu : kThetaLinear);
  }
  return config;
}

absl::Status CheckConfig(const v1::TrainingConfig& config) { return InOrder(ViolationsOf(config)); }

absl::StatusOr<RunPlan> PlanRun(const v1::TrainingConfig& config, const DatasetShape& data) {
  FieldViolations violations = ViolationsOf(config);
  RunPlan plan;
  PlanSplit(config.dataset(), data, &plan, &violations);
  CheckSplit(config, plan, &violations);
  plan.length.epochs = config.epochs();
  if (plan.train_images > 0 && AreValid(violations, {"batch_size", "dataset.train_limit"})) {
    plan.length.steps_per_epoch =
        (plan.train_images + config.batch_size() - 1) / config.batch_size();
  }
  CheckLength(config, plan.length, &violations);
  plan.network = PlanNetwork(config.network(), config.theta(), data, &violations);
  CheckBatchMemory(config.batch_size(), plan.network, &violations);
  if (!violations.empty()) return InOrder(std::move(violations));
  return plan;
}

}  // namespace anneal::config
