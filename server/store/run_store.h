// These functions read and write runs: their states, configs and progress.

#ifndef ANNEAL_SERVER_STORE_RUN_STORE_H_
#define ANNEAL_SERVER_STORE_RUN_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "anneal/v1/worker.pb.h"
#include "common/metric.h"
#include "common/resource_name.h"
#include "google/protobuf/map.h"
#include "server/store/list_query.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Returns the row id of a run. NOT_FOUND.
absl::StatusOr<int64_t> RunKey(Connection& db, const RunName& name);

// NOT_FOUND.
absl::StatusOr<v1::Run> GetRun(Connection& db, const RunName& name, v1::RunView view,
                               const std::vector<Metric>& metrics = {});

// Selects the runs of one experiment, or of all experiments that are not deleted.
struct RunQuery {
  std::optional<int64_t> experiment_key;
  std::optional<int64_t> ordinal;  // only this run
  ListQuery list;
  v1::RunView view = v1::RUN_VIEW_BASIC;
  // Those of Run.metrics: of the last epoch, of test results, and min, max and best.
  std::vector<Metric> metrics;
};
struct ListedRun {
  v1::Run run;
  std::vector<Value> place;
};
// Lists runs in the query's order, ties in the order of submission and of the run's number.
absl::StatusOr<std::vector<ListedRun>> ListRuns(Connection& db, const RunQuery& query);

// Moves a run to another state: checks that the change is allowed (common/run_state.h), keeps the
// experiment's counts, stamps times and appends the event. The only code that changes a state.
// `failure` is for FAILED alone.
absl::Status ChangeRunState(Transaction& transaction, int64_t run_key, v1::RunState to,
                            int64_t time_micros,
                            const std::optional<v1::Failure>& failure = std::nullopt);

struct RunningRun {
  int64_t key = 0;
  int64_t losses = 0;
};
absl::StatusOr<std::vector<RunningRun>> RunningRuns(Connection& db);

// Returns everything that a worker needs to train the run. NOT_FOUND.
absl::StatusOr<v1::RunAssignment> GetAssignment(Connection& db, int64_t run_key);

// Records a worker's report that it has started: its engine, data set digest, network and split,
// and the attempt with its provenance.
absl::Status RecordStart(Transaction& transaction, int64_t run_key, const v1::RunStarted& started);

// Inserts an epoch and its event, advances the run's epochs_done, and updates the run's extremes
// (extreme_store.h). An epoch that is recorded already, because the run was restarted after a
// crash, is ignored and adds no event. In a restarted run elapsed_seconds is replaced by the sum of
// the recorded epoch_seconds.
absl::Status RecordEpoch(Transaction& transaction, int64_t run_key, int64_t time_micros,
                         const v1::EpochReport& report);

// Sets the number of consecutive attempts that were lost with their worker.
absl::Status SetLosses(Transaction& transaction, int64_t run_key, int64_t losses);

// Records what a run has reached in its last epoch: its test results and the digests of its
// weights. ALREADY_EXISTS: two results are of the same weights.
absl::Status RecordCompletion(Transaction& transaction, int64_t run_key,
                              const v1::RunCompleted& completed);

// Replaces the config of a run that has succeeded by a longer one. Its test results become earlier
// ones, and its digests are removed: they belong to weights that are no longer its last.
absl::Status ExtendRun(Transaction& transaction, int64_t run_key, const v1::TrainingConfig& config);

// Replaces a run's labels and note.
absl::Status UpdateRunAnnotations(Transaction& transaction, int64_t run_key,
                                  const google::protobuf::Map<std::string, std::string>& labels,
                                  absl::string_view note);

struct RunStateRow {
  int64_t key = 0;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::FailureReason failure = v1::FAILURE_REASON_UNSPECIFIED;
};
// Lists the states of an experiment's runs in order.
absl::StatusOr<std::vector<RunStateRow>> RunStates(Connection& db, int64_t experiment_key);
// NOT_FOUND.
absl::StatusOr<RunStateRow> GetRunStateRow(Connection& db, int64_t run_key);

// NOT_FOUND.
absl::StatusOr<v1::RunState> GetRunState(Connection& db, int64_t run_key);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_RUN_STORE_H_
