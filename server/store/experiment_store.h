// Experiments in the database. Functions on a connection or transaction; as thread-safe as those.

#ifndef ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_
#define ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/list_query.h"
#include "server/store/transaction.h"

namespace anneal::store {

struct NewRun {
  int64_t seed = 0;
  int32_t epochs = 0;
  std::string parameters_json;
  std::string config_json;  // complete
};

struct NewExperiment {
  std::string id;
  std::string request_id;  // empty: none
  std::string request_sha256;
  v1::Experiment submission;    // with output only fields clear
  v1::NetworkSummary network;   // of the first run
  int64_t steps_per_epoch = 0;  // of the first run; not stored
  std::vector<NewRun> runs;
  int64_t time_micros = 0;
};

// Stores the experiment, its runs as PENDING, and the first event. ALREADY_EXISTS: the id is taken.
absl::Status InsertExperiment(Transaction& transaction, const NewExperiment& experiment);

// What GetExperiment says of it then, without looking.
v1::Experiment AsInserted(const NewExperiment& experiment);

// Who used a request_id, and for what.
struct EarlierRequest {
  std::string experiment_id;
  std::string request_sha256;
};
absl::StatusOr<std::optional<EarlierRequest>> FindRequest(Connection& db,
                                                          absl::string_view request_id);

// The database's key of an experiment. NOT_FOUND.
absl::StatusOr<int64_t> ExperimentKey(Connection& db, absl::string_view id);

// FAILED_PRECONDITION where it is deleted, and so nothing may change.
absl::Status CheckNotDeleted(Connection& db, absl::string_view id);

// NOT_FOUND.
absl::StatusOr<v1::Experiment> GetExperiment(Connection& db, absl::string_view id);

// What was submitted, with what was updated since. NOT_FOUND.
absl::StatusOr<v1::Experiment> GetSubmission(Connection& db, absl::string_view id);

// Stores other labels, another note or priority. The priority is that of its runs too.
absl::Status UpdateSubmission(Transaction& transaction, int64_t key,
                              const v1::Experiment& submission);

// Marks it as deleted then, or as not deleted.
absl::Status SetDeleted(Transaction& transaction, int64_t key, std::optional<int64_t> time_micros);

// Removes all that the database has of it. Watchers are told as by an event.
absl::Status PurgeExperiment(Transaction& transaction, int64_t key);

struct ListedExperiment {
  int64_t key = 0;
  v1::Experiment experiment;  // without network
  std::vector<Value> place;
};
// Newest first within the query's order; deleted ones only where they are asked for.
absl::StatusOr<std::vector<ListedExperiment>> ListExperiments(Connection& db,
                                                              const ListQuery& query,
                                                              bool show_deleted);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_EXPERIMENT_STORE_H_
