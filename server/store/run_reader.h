// `RunReader` reads runs from the rows of a list: the fields of the runs table, then those of other
// tables.

#ifndef ANNEAL_SERVER_STORE_RUN_READER_H_
#define ANNEAL_SERVER_STORE_RUN_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "common/metric.h"
#include "server/store/connection.h"
#include "server/store/extreme_store.h"
#include "server/store/queue_store.h"

namespace anneal::store {

// Valid for one snapshot. Not thread-safe.
class RunReader {
 public:
  // Borrows `db`. `metrics` are those of Run.metrics.
  RunReader(Connection* db, v1::RunView view, const std::vector<Metric>& metrics);

  // The columns and tables of the statement whose rows are read. It names runs `r` and experiments
  // `e`; other columns may follow.
  const std::string& columns() const { return columns_; }
  int column_count() const;
  const std::string& tables() const { return tables_; }

  absl::StatusOr<v1::Run> Read(const Statement& row);

 private:
  bool is_full() const { return view_ == v1::RUN_VIEW_FULL; }
  absl::StatusOr<v1::Run> ReadColumns(const Statement& row) const;
  absl::Status AddEpochAndPlace(const Statement& row, v1::Run* run);
  absl::Status AddResults(int64_t key, v1::Run* run);
  absl::Status AddDigests(int64_t key, v1::Run* run);
  absl::Status AddLabels(int64_t key, v1::Run* run);

  Connection* const db_;
  const v1::RunView view_;
  std::string columns_;
  std::string tables_;
  QueuePositions positions_;
  MetricsReader metrics_;
  std::optional<bool> any_labels_;  // of any run in the database; unset before the first run
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_RUN_READER_H_
