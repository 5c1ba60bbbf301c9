#include "server/store/run_reader.h"

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/store/attempt_store.h"
#include "server/store/epoch_store.h"
#include "server/store/message_column.h"
#include "server/store/test_result_store.h"

namespace anneal::store {
namespace {

constexpr absl::string_view kBasicColumns =
    "r.run_id, r.ordinal, r.seed, r.parameters, r.state, r.failure_reason, r.failure_message,"
    " r.created, r.started, r.ended, r.attempts, r.epochs_done, r.epochs_total, r.engine,"
    " r.dataset_sha256, r.extended_from, r.note, r.collapsed, r.priority, r.user, e.id";
constexpr int kPriorityColumn = 18;
constexpr int kUserColumn = 19;
constexpr int kExperimentColumn = 20;
constexpr int kConfigColumn = 21;  // and those after it only in the full view
constexpr int kNetworkColumn = 22;
constexpr int kSplitColumn = 23;

}  // namespace

RunReader::RunReader(Connection* db, v1::RunView view, const std::vector<Metric>& metrics)
    : db_(db),
      view_(view),
      columns_(kBasicColumns),
      tables_("runs r JOIN experiments e ON e.experiment_id = r.experiment_id"),
      positions_(db),
      metrics_(db, metrics) {
  if (!is_full()) return;
  absl::StrAppend(&columns_, ", c.json, n.json, s.json");
  absl::StrAppend(&tables_, " JOIN configs c ON c.config_id = r.config_id",
                  " LEFT JOIN networks n ON n.network_id = r.network_id",
                  " LEFT JOIN splits s ON s.split_id = r.split_id");
}

int RunReader::column_count() const { return is_full() ? kSplitColumn + 1 : kConfigColumn; }

absl::StatusOr<v1::Run> RunReader::Read(const Statement& row) {
  const int64_t key = row.Int(0);
  ANNEAL_ASSIGN_OR_RETURN(v1::Run run, ReadColumns(row));
  ANNEAL_RETURN_IF_ERROR(AddEpochAndPlace(row, &run));
  ANNEAL_RETURN_IF_ERROR(AddResults(key, &run));
  ANNEAL_RETURN_IF_ERROR(AddLabels(key, &run));
  ANNEAL_RETURN_IF_ERROR(metrics_.Read(key, &run));
  if (!is_full()) return run;
  ANNEAL_ASSIGN_OR_RETURN(const auto attempts, ListAttempts(*db_, key));
  run.mutable_attempt_log()->Assign(attempts.begin(), attempts.end());
  return run;
}

absl::StatusOr<v1::Run> RunReader::ReadColumns(const Statement& row) const {
  v1::Run run;
  run.set_name(FormatRunName(row.Bytes(kExperimentColumn), row.Int(1)));
  run.set_seed(row.Int(2));
  ANNEAL_RETURN_IF_ERROR(ParametersFromColumn(row.Bytes(3), run.mutable_parameters()));
  run.set_state(EnumValue<v1::RunState>(row.Bytes(4)));
  if (!row.IsNull(5)) {
    run.mutable_failure()->set_reason(EnumValue<v1::FailureReason>(row.Bytes(5)));
    run.mutable_failure()->set_message(row.Text(6));
  }
  *run.mutable_create_time() = ToTimestamp(row.Int(7));
  if (!row.IsNull(8)) *run.mutable_start_time() = ToTimestamp(row.Int(8));
  if (!row.IsNull(9)) *run.mutable_end_time() = ToTimestamp(row.Int(9));
  run.set_attempts(static_cast<int32_t>(row.Int(10)));
  run.set_epochs_done(static_cast<int32_t>(row.Int(11)));
  run.set_epochs_total(static_cast<int32_t>(row.Int(12)));
  run.set_engine(row.Text(13));
  run.set_dataset_sha256(row.Text(14));
  const std::vector<int32_t> extended_from = NumbersFromColumn(row.Bytes(15));
  run.mutable_extended_from()->Assign(extended_from.begin(), extended_from.end());
  run.set_note(row.Text(16));
  run.set_collapsed(row.Int(17) != 0);
  if (!is_full()) return run;
  ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(kConfigColumn), run.mutable_config()));
  if (!row.IsNull(kNetworkColumn)) {
    ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(kNetworkColumn), run.mutable_network()));
  }
  if (!row.IsNull(kSplitColumn)) {
    ANNEAL_RETURN_IF_ERROR(FromColumn(row.Bytes(kSplitColumn), run.mutable_split()));
  }
  return run;
}

absl::Status RunReader::AddEpochAndPlace(const Statement& row, v1::Run* run) {
  const int64_t key = row.Int(0);
  if (run->epochs_done() > 0) {
    ANNEAL_ASSIGN_OR_RETURN(*run->mutable_last_epoch(), GetEpoch(*db_, key, run->epochs_done()));
  }
  if (run->state() != v1::RUN_STATE_PENDING) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(const int64_t position,
                          positions_.Of(key, row.Int(kPriorityColumn), row.Text(kUserColumn)));
  run->set_queue_position(static_cast<int32_t>(position));
  return absl::OkStatus();
}

absl::Status RunReader::AddResults(int64_t key, v1::Run* run) {
  if (run->state() == v1::RUN_STATE_SUCCEEDED) {
    ANNEAL_ASSIGN_OR_RETURN(const auto results, ListTestResults(*db_, key, is_full()));
    run->mutable_test_results()->Assign(results.begin(), results.end());
    ANNEAL_RETURN_IF_ERROR(AddDigests(key, run));
  }
  if (run->extended_from().empty()) return absl::OkStatus();
  ANNEAL_ASSIGN_OR_RETURN(const auto earlier, ListEarlierTestResults(*db_, key, is_full()));
  run->mutable_earlier_test_results()->Assign(earlier.begin(), earlier.end());
  return absl::OkStatus();
}

absl::Status RunReader::AddDigests(int64_t key, v1::Run* run) {
  Statement query = db_->Prepare(
      "SELECT weights_sha256, best_weights_sha256 FROM weights_digests WHERE run_id = ?");
  query.Bind(key);
  if (query.Next()) {
    run->set_weights_sha256(query.Text(0));
    run->set_best_weights_sha256(query.Text(1));
  }
  return query.status();
}

absl::Status RunReader::AddLabels(int64_t key, v1::Run* run) {
  // Most databases have none, and then lists are spared a query for each run.
  if (!any_labels_.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t any,
                            db_->QueryInt("SELECT EXISTS (SELECT 1 FROM run_labels)"));
    any_labels_ = any != 0;
  }
  if (!*any_labels_) return absl::OkStatus();
  Statement query = db_->Prepare("SELECT key, value FROM run_labels WHERE run_id = ?");
  query.Bind(key);
  while (query.Next()) (*run->mutable_labels())[query.Text(0)] = query.Text(1);
  return query.status();
}

}  // namespace anneal::store
