#include "server/store/experiment_store.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/resource_name.h"
#include "common/run_state.h"
#include "common/sha256.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/store/event_store.h"
#include "server/store/message_column.h"

namespace anneal::store {
namespace {

constexpr absl::string_view kColumns =
    "e.experiment_id, e.id, e.submission, e.created, e.last_sequence, e.pending, e.running,"
    " e.suspended, e.succeeded, e.failed, e.cancelled, e.deleted, e.diverged, e.looks";
constexpr int kColumnCount = 14;

// Returns the etag: a digest of the submission with its updates.
std::string Etag(absl::string_view submission) {
  constexpr size_t kDigits = 16;
  Sha256 hash;
  hash.Update(submission);
  return hash.HexDigest().substr(0, kDigits);
}

// Sets the output-only fields.
void AddState(absl::string_view id, absl::string_view submission, int64_t created,
              v1::Experiment* experiment) {
  experiment->set_name(ExperimentName(id));
  experiment->set_etag(Etag(submission));
  *experiment->mutable_create_time() = ToTimestamp(created);
  v1::RunCounts* counts = experiment->mutable_run_counts();
  counts->set_total(counts->pending() + counts->running() + counts->suspended() +
                    counts->succeeded() + counts->failed() + counts->cancelled());
  experiment->set_state(CombinedState(*counts));
}

absl::StatusOr<ListedExperiment> ReadExperiment(const Statement& row) {
  ListedExperiment listed;
  listed.key = row.Int(0);
  v1::Experiment& experiment = listed.experiment;
  const absl::string_view submission = row.Bytes(2);
  if (!experiment.ParseFromArray(submission.data(), static_cast<int>(submission.size()))) {
    return absl::DataLossError(absl::StrCat("cannot read the stored submission of experiment \"",
                                            row.Text(1),
                                            "\"; check the database with `anneald check`"));
  }
  experiment.set_last_sequence(row.Int(4));
  v1::RunCounts* counts = experiment.mutable_run_counts();
  counts->set_pending(static_cast<int32_t>(row.Int(5)));
  counts->set_running(static_cast<int32_t>(row.Int(6)));
  counts->set_suspended(static_cast<int32_t>(row.Int(7)));
  counts->set_succeeded(static_cast<int32_t>(row.Int(8)));
  counts->set_failed(static_cast<int32_t>(row.Int(9)));
  counts->set_cancelled(static_cast<int32_t>(row.Int(10)));
  if (!row.IsNull(11)) *experiment.mutable_delete_time() = ToTimestamp(row.Int(11));
  counts->set_diverged(static_cast<int32_t>(row.Int(12)));
  experiment.set_looks(static_cast<int32_t>(row.Int(13)));
  AddState(row.Bytes(1), submission, row.Int(3), &experiment);
  return listed;
}

absl::Status NoSuchExperiment(absl::string_view id) {
  return WithReason(absl::NotFoundError(absl::StrCat("there is no experiment \"", id,
                                                     "\"; `anneal list` lists the experiments")),
                    v1::ERROR_REASON_EXPERIMENT_NOT_FOUND);
}

absl::Status InsertLabels(Connection& db, int64_t key, const v1::Experiment& submission) {
  for (const auto& [name, value] : submission.labels()) {
    Statement insert =
        db.Prepare("INSERT INTO labels (experiment_id, key, value) VALUES (?, ?, ?)");
    ANNEAL_RETURN_IF_ERROR(insert.Bind(key, name, value).Run());
  }
  return absl::OkStatus();
}

}  // namespace

NewCell::NewCell(const std::map<std::string, std::string>& parameters,
                 const v1::TrainingConfig& config, std::vector<int64_t> seeds)
    : parameters_column_(ParametersToColumn(parameters)),
      config_column_(ToColumn(config)),
      epochs_(config.epochs()),
      seeds_(std::move(seeds)) {}

absl::Status NewCell::InsertRuns(Transaction& transaction, int64_t experiment_key,
                                 const NewExperiment& experiment, int64_t ordinal) const {
  ANNEAL_ASSIGN_OR_RETURN(const int64_t config, ConfigKey(transaction, config_column_));
  for (const int64_t seed : seeds_) {
    Statement insert = transaction.db().Prepare(
        "INSERT INTO runs (experiment_id, ordinal, seed, parameters, config_id, priority, user,"
        " state, created, epochs_total) VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)");
    insert.Bind(experiment_key, ordinal++, seed, parameters_column_, config,
                experiment.submission.priority(), experiment.submission.user(),
                experiment.time_micros, epochs_);
    ANNEAL_RETURN_IF_ERROR(insert.Run());
  }
  return absl::OkStatus();
}

int64_t NewExperiment::run_count() const {
  int64_t count = 0;
  for (const NewCell& cell : cells) count += cell.run_count();
  return count;
}

absl::Status InsertExperiment(Transaction& transaction, const NewExperiment& experiment) {
  Connection& db = transaction.db();
  const std::string submission = experiment.submission.SerializeAsString();
  ANNEAL_ASSIGN_OR_RETURN(const int64_t network,
                          NetworkKey(transaction, ToColumn(experiment.network)));
  const int64_t runs = experiment.run_count();
  const std::optional<std::string> request_id =
      experiment.request_id.empty() ? std::nullopt : std::optional(experiment.request_id);
  Statement insert = db.Prepare(
      "INSERT INTO experiments (id, request_id, request_sha256, submission, preset, network_id,"
      " priority, user, created, pending) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.Bind(experiment.id, request_id, experiment.request_sha256, Blob{submission},
              experiment.submission.preset(), network, experiment.submission.priority(),
              experiment.submission.user(), experiment.time_micros, runs);
  if (const absl::Status status = insert.Run(); absl::IsAlreadyExists(status)) {
    return WithReason(
        absl::AlreadyExistsError(absl::StrCat("there is an experiment \"", experiment.id,
                                              "\" already; choose another id")),
        v1::ERROR_REASON_EXPERIMENT_EXISTS);
  } else if (!status.ok()) {
    return status;
  }
  const int64_t key = db.last_insert_rowid();
  ANNEAL_RETURN_IF_ERROR(InsertLabels(db, key, experiment.submission));
  int64_t ordinal = 0;
  for (const NewCell& cell : experiment.cells) {
    ANNEAL_RETURN_IF_ERROR(cell.InsertRuns(transaction, key, experiment, ordinal));
    ordinal += cell.run_count();
  }
  return AppendMessage(transaction, key, std::nullopt, experiment.time_micros,
                       absl::StrCat("created with ", runs, " run", runs == 1 ? "" : "s"));
}

v1::Experiment AsInserted(const NewExperiment& inserted) {
  v1::Experiment experiment = inserted.submission;
  *experiment.mutable_network() = inserted.network;
  experiment.mutable_run_counts()->set_pending(static_cast<int32_t>(inserted.run_count()));
  experiment.set_last_sequence(1);
  AddState(inserted.id, inserted.submission.SerializeAsString(), inserted.time_micros, &experiment);
  return experiment;
}

absl::StatusOr<std::optional<EarlierRequest>> FindRequest(Connection& db,
                                                          absl::string_view request_id) {
  Statement query = db.Prepare("SELECT id, request_sha256 FROM experiments WHERE request_id = ?");
  query.Bind(request_id);
  std::optional<EarlierRequest> found;
  if (query.Next()) {
    found = {.experiment_id = query.Text(0), .request_sha256 = query.Text(1)};
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return found;
}

absl::StatusOr<int64_t> ExperimentKey(Connection& db, absl::string_view id) {
  Statement query = db.Prepare("SELECT experiment_id FROM experiments WHERE id = ?");
  query.Bind(id);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchExperiment(id);
  return query.Int(0);
}

absl::Status CheckNotDeleted(Connection& db, absl::string_view id) {
  Statement query = db.Prepare("SELECT 1 FROM experiments WHERE id = ? AND deleted IS NOT NULL");
  query.Bind(id);
  const bool deleted = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!deleted) return absl::OkStatus();
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "experiment \"", id, "\" is deleted; `anneal undelete ", id, "` brings it back")),
      v1::ERROR_REASON_EXPERIMENT_DELETED);
}

absl::StatusOr<v1::Experiment> GetExperiment(Connection& db, absl::string_view id) {
  static const auto& sql = *new std::string(absl::StrCat(
      "SELECT ", kColumns,
      ", n.json FROM experiments e JOIN networks n USING (network_id) WHERE e.id = ?"));
  Statement query = db.Prepare(sql);
  query.Bind(id);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchExperiment(id);
  ANNEAL_ASSIGN_OR_RETURN(ListedExperiment listed, ReadExperiment(query));
  ANNEAL_RETURN_IF_ERROR(
      FromColumn(query.Bytes(kColumnCount), listed.experiment.mutable_network()));
  return std::move(listed.experiment);
}

absl::StatusOr<v1::Experiment> GetSubmission(Connection& db, absl::string_view id) {
  Statement query = db.Prepare("SELECT submission FROM experiments WHERE id = ?");
  query.Bind(id);
  const bool found = query.Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  if (!found) return NoSuchExperiment(id);
  v1::Experiment submission;
  if (!submission.ParseFromString(query.Text(0))) {
    return absl::DataLossError(absl::StrCat("cannot read the stored submission of experiment \"",
                                            id, "\"; check the database with `anneald check`"));
  }
  return submission;
}

absl::Status UpdateSubmission(Transaction& transaction, int64_t key,
                              const v1::Experiment& submission) {
  Connection& db = transaction.db();
  const std::string bytes = submission.SerializeAsString();
  Statement experiment =
      db.Prepare("UPDATE experiments SET submission = ?, priority = ? WHERE experiment_id = ?");
  ANNEAL_RETURN_IF_ERROR(experiment.Bind(Blob{bytes}, submission.priority(), key).Run());
  Statement runs =
      db.Prepare("UPDATE runs SET priority = ?1 WHERE experiment_id = ?2 AND priority <> ?1");
  ANNEAL_RETURN_IF_ERROR(runs.Bind(submission.priority(), key).Run());
  Statement forget = db.Prepare("DELETE FROM labels WHERE experiment_id = ?");
  ANNEAL_RETURN_IF_ERROR(forget.Bind(key).Run());
  return InsertLabels(db, key, submission);
}

absl::Status SetDeleted(Transaction& transaction, int64_t key, std::optional<int64_t> time_micros) {
  Statement update =
      transaction.db().Prepare("UPDATE experiments SET deleted = ? WHERE experiment_id = ?");
  return update.Bind(time_micros, key).Run();
}

absl::Status PurgeExperiment(Transaction& transaction, int64_t key) {
  Statement remove = transaction.db().Prepare("DELETE FROM experiments WHERE experiment_id = ?");
  ANNEAL_RETURN_IF_ERROR(remove.Bind(key).Run());
  transaction.NoteEvent(key);
  return RemoveUnusedMessages(transaction);
}

absl::StatusOr<std::vector<ListedExperiment>> ListExperiments(Connection& db,
                                                              const ListQuery& query,
                                                              bool show_deleted) {
  std::vector<Condition> conditions;
  if (!show_deleted) conditions.push_back(MakeCondition("e.deleted IS NULL"));
  const ListStatement list =
      MakeListStatement(std::string(kColumns), kColumnCount, "experiments e", conditions,
                        {{.sql = "e.experiment_id", .descending = true}}, query);
  Statement statement = list.is_fixed ? db.Prepare(list.sql) : db.PrepareOnce(list.sql);
  statement.BindValues(list.values);
  std::vector<ListedExperiment> experiments;
  PageRoom room(query.max_bytes);
  while (statement.Next()) {
    ANNEAL_ASSIGN_OR_RETURN(experiments.emplace_back(), ReadExperiment(statement));
    experiments.back().place = PlaceOf(statement, list);
    if (!room.Fits(experiments.back().experiment)) break;
  }
  ANNEAL_RETURN_IF_ERROR(statement.status());
  return experiments;
}

}  // namespace anneal::store
