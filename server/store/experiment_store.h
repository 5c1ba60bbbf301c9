// These functions read and write experiments. They are as thread-safe as the connection or
// transaction that they are called with.

#ifndef ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_
#define ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/list_query.h"
#include "server/store/transaction.h"

namespace anneal::store {

struct NewExperiment;

// The runs of one cell of a sweep, which differ only in their seed. Construct it outside of writes:
// the constructor prints the columns, so that the writer's thread does not have to.
class NewCell {
 public:
  // `parameters` are the cell's values by field path, `config` is resolved; a run for each seed.
  NewCell(const std::map<std::string, std::string>& parameters, const v1::TrainingConfig& config,
          std::vector<int64_t> seeds);

  int64_t run_count() const { return static_cast<int64_t>(seeds_.size()); }

 private:
  friend absl::Status InsertExperiment(Transaction& transaction, const NewExperiment& experiment);
  // Numbers the runs from `ordinal`.
  absl::Status InsertRuns(Transaction& transaction, int64_t experiment_key,
                          const NewExperiment& experiment, int64_t ordinal) const;

  std::string parameters_column_;
  std::string config_column_;
  int32_t epochs_ = 0;
  std::vector<int64_t> seeds_;
};

struct NewExperiment {
  std::string id;
  std::string request_id;  // empty: none
  std::string request_sha256;
  v1::Experiment submission;    // without its output-only fields
  v1::NetworkSummary network;   // of the first run
  int64_t steps_per_epoch = 0;  // of the first run; not stored
  std::vector<NewCell> cells;
  int64_t time_micros = 0;

  int64_t run_count() const;
};

// Stores the experiment, its runs as PENDING, and the first event. ALREADY_EXISTS: the id is taken.
absl::Status InsertExperiment(Transaction& transaction, const NewExperiment& experiment);

// Returns what GetExperiment returns after InsertExperiment, without a read.
v1::Experiment AsInserted(const NewExperiment& experiment);

// The experiment that a request_id created, and the digest of that request.
struct EarlierRequest {
  std::string experiment_id;
  std::string request_sha256;
};
absl::StatusOr<std::optional<EarlierRequest>> FindRequest(Connection& db,
                                                          absl::string_view request_id);

// Returns the row id of an experiment. NOT_FOUND.
absl::StatusOr<int64_t> ExperimentKey(Connection& db, absl::string_view id);

// FAILED_PRECONDITION: the experiment is deleted and therefore read-only.
absl::Status CheckNotDeleted(Connection& db, absl::string_view id);

// Returns the experiment with its state, counts and network. NOT_FOUND.
absl::StatusOr<v1::Experiment> GetExperiment(Connection& db, absl::string_view id);

// Returns the submission, with later updates of labels, note, priority and lock. NOT_FOUND.
absl::StatusOr<v1::Experiment> GetSubmission(Connection& db, absl::string_view id);

// Stores new labels, note, priority and lock. The priority applies to all runs of the experiment.
absl::Status UpdateSubmission(Transaction& transaction, int64_t key,
                              const v1::Experiment& submission);

// Marks the experiment as deleted at `time_micros`, or as not deleted.
absl::Status SetDeleted(Transaction& transaction, int64_t key, std::optional<int64_t> time_micros);

// Removes all rows of the experiment. Watchers are notified as by an event.
absl::Status PurgeExperiment(Transaction& transaction, int64_t key);

struct ListedExperiment {
  int64_t key = 0;
  v1::Experiment experiment;  // without network
  std::vector<Value> place;
};
// Lists experiments in the query's order, ties newest first. Deleted ones are listed only with
// `show_deleted`.
absl::StatusOr<std::vector<ListedExperiment>> ListExperiments(Connection& db,
                                                              const ListQuery& query,
                                                              bool show_deleted);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_
