// `Submission` turns requests into stored, queued experiments, and extends finished runs.

#ifndef ANNEAL_SERVER_EXPERIMENTS_SUBMISSION_H_
#define ANNEAL_SERVER_EXPERIMENTS_SUBMISSION_H_

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "common/config/validation.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/experiment_store.h"
#include "server/store/store.h"
#include "server/store/usage_store.h"
#include "server/training/data/dataset_registry.h"

namespace anneal::experiments {

// Thread-safe. Every method blocks on the disk, and on a data set's first load.
class Submission {
 public:
  // Borrows all pointers.
  Submission(store::Store* store, training::data::DatasetRegistry* datasets,
             scheduling::Dispatcher* dispatcher, const store::UsageLimits& limits, WallClock clock);

  // Checks, stores and queues an experiment, as ExperimentService.CreateExperiment documents.
  absl::StatusOr<v1::Experiment> Create(const v1::CreateExperimentRequest& request);

  // Requeues a run that has succeeded, with more epochs, as RunService.ExtendRun documents.
  absl::Status Extend(const RunName& name, int32_t epochs);

 private:
  // Returns the checked experiment that the request asks to store. `violations` are those found so
  // far.
  absl::StatusOr<store::NewExperiment> Prepare(const v1::CreateExperimentRequest& request,
                                               FieldViolations violations);
  // Returns the experiment as it would be stored (validate_only).
  absl::StatusOr<v1::Experiment> Preview(const store::NewExperiment& experiment);
  absl::StatusOr<v1::Experiment> Insert(const store::NewExperiment& experiment);
  // Returns the run's config with more epochs, checked.
  absl::StatusOr<v1::TrainingConfig> Extended(const v1::Run& run, int32_t epochs);
  absl::Status CheckLimits(store::Connection& db, const store::NewExperiment& experiment) const;
  // Plans a resolved config on its data set. INVALID_ARGUMENT with every violation.
  absl::StatusOr<config::RunPlan> Plan(const v1::TrainingConfig& config);
  // Plans every cell, or collects the violations of all of them.
  absl::Status PlanRuns(const v1::Experiment& submission, FieldViolations* violations,
                        store::NewExperiment* experiment);

  store::Store* const store_;
  training::data::DatasetRegistry* const datasets_;
  scheduling::Dispatcher* const dispatcher_;
  const store::UsageLimits limits_;  // per user
  const WallClock clock_;
};

}  // namespace anneal::experiments

#endif  // ANNEAL_SERVER_EXPERIMENTS_SUBMISSION_H_
