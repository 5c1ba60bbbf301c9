// Runs in the database, their states and their test results.

#ifndef ANNEAL_SERVER_STORE_RUN_STORE_H_
#define ANNEAL_SERVER_STORE_RUN_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "anneal/v1/worker.pb.h"
#include "common/resource_name.h"
#include "server/store/list_query.h"
#include "server/store/transaction.h"

namespace anneal::store {

// The database's key of a run. NOT_FOUND.
absl::StatusOr<int64_t> RunKey(Connection& db, const RunName& name);

// NOT_FOUND.
absl::StatusOr<v1::Run> GetRun(Connection& db, const RunName& name, v1::RunView view);

// Which runs to list: those of one experiment, or of all that are not deleted.
struct RunQuery {
  std::optional<int64_t> experiment_key;
  std::optional<int64_t> ordinal;  // only the one with this number
  ListQuery list;
  v1::RunView view = v1::RUN_VIEW_BASIC;
};
struct ListedRun {
  v1::Run run;
  std::vector<Value> place;
};
// In the order of submission and of their numbers, within the query's order.
absl::StatusOr<std::vector<ListedRun>> ListRuns(Connection& db, const RunQuery& query);

// What each run of an experiment is, in order: its key and its config as it is stored (a
// TrainingConfig in JSON). Runs that differ in their seed only have the same text.
struct RunConfigRow {
  int64_t key = 0;
  std::string config_json;
};
absl::StatusOr<std::vector<RunConfigRow>> ListRunConfigs(Connection& db, int64_t experiment_key);

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

// Everything a worker needs. NOT_FOUND.
absl::StatusOr<v1::RunAssignment> GetAssignment(Connection& db, int64_t run_key);

// Notes what a worker said when it began.
absl::Status RecordStart(Transaction& transaction, int64_t run_key, const v1::RunStarted& started);

// Stores an epoch, its event, and that the run has come so far. An epoch that is recorded already,
// because the run began again after a crash, is left as it is and adds no event. In a run that
// began again, elapsed_seconds is made the sum of the recorded epoch_seconds.
absl::Status RecordEpoch(Transaction& transaction, int64_t run_key, int64_t time_micros,
                         const v1::EpochReport& report);

// Sets how many attempts in a row were lost with their worker.
absl::Status SetLosses(Transaction& transaction, int64_t run_key, int64_t losses);

// Gives a run that has succeeded a longer config, and forgets its test results: they are of weights
// that are not its last any more.
absl::Status ExtendRun(Transaction& transaction, int64_t run_key, const v1::TrainingConfig& config);

struct RunStateRow {
  int64_t key = 0;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::FailureReason failure = v1::FAILURE_REASON_UNSPECIFIED;
};
// Of all runs of an experiment, in order.
absl::StatusOr<std::vector<RunStateRow>> RunStates(Connection& db, int64_t experiment_key);
// NOT_FOUND.
absl::StatusOr<RunStateRow> GetRunStateRow(Connection& db, int64_t run_key);

// NOT_FOUND.
absl::StatusOr<v1::RunState> GetRunState(Connection& db, int64_t run_key);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_RUN_STORE_H_
