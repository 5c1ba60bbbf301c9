#include "server/store/queue_store.h"

#include "absl/strings/str_cat.h"
#include "common/enum_name.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::store {
namespace {

absl::StatusOr<Standings> ReadStandings(Connection& db) {
  Standings users;
  Statement query = db.Prepare("SELECT user, last_start FROM users");
  while (query.Next()) users[query.Text(0)].last_start = query.Int(1);
  ANNEAL_RETURN_IF_ERROR(query.status());
  Statement running =
      db.Prepare("SELECT user, count(*) FROM runs WHERE state = 'RUNNING' GROUP BY user");
  while (running.Next()) users[running.Text(0)].running = running.Int(1);
  ANNEAL_RETURN_IF_ERROR(running.status());
  return users;
}

// Appends the first pending runs of a user and priority to the snapshot.
absl::Status AddHead(Connection& db, int64_t priority, const std::string& user, int limit,
                     QueueSnapshot* snapshot) {
  Statement query = db.Prepare(
      "SELECT run_id FROM runs WHERE state = 'PENDING' AND priority = ? AND user = ?"
      " ORDER BY run_id LIMIT ?");
  query.Bind(priority, user, limit);
  while (query.Next()) {
    snapshot->pending.push_back(
        {.key = query.Int(0), .priority = static_cast<int32_t>(priority), .user = user});
  }
  return query.status();
}

struct UserQueue {
  int64_t priority = 0;
  std::string user;
};
// Finds the next user's queue in the order of the index: higher priorities first.
absl::StatusOr<std::optional<UserQueue>> NextUserQueue(Connection& db,
                                                       const std::optional<UserQueue>& last) {
  const auto first_of = [](Statement query) -> absl::StatusOr<std::optional<UserQueue>> {
    std::optional<UserQueue> found;
    if (query.Next()) found = {.priority = query.Int(0), .user = query.Text(1)};
    ANNEAL_RETURN_IF_ERROR(query.status());
    return found;
  };
  constexpr absl::string_view kOrder = " ORDER BY priority DESC, user LIMIT 1";
  constexpr absl::string_view kSelect = "SELECT priority, user FROM runs WHERE state = 'PENDING'";
  if (!last.has_value()) return first_of(db.Prepare(absl::StrCat(kSelect, kOrder)));
  Statement same = db.Prepare(absl::StrCat(kSelect, " AND priority = ? AND user > ?", kOrder));
  same.Bind(last->priority, last->user);
  ANNEAL_ASSIGN_OR_RETURN(std::optional<UserQueue> found, first_of(std::move(same)));
  if (found.has_value()) return found;
  Statement lower = db.Prepare(absl::StrCat(kSelect, " AND priority < ?", kOrder));
  lower.Bind(last->priority);
  return first_of(std::move(lower));
}

absl::StatusOr<std::optional<double>> OneReal(Statement query) {
  std::optional<double> value;
  if (query.Next() && !query.IsNull(0)) value = query.Real(0);
  ANNEAL_RETURN_IF_ERROR(query.status());
  return value;
}

// Estimates the duration of an epoch.
class EpochSeconds {
 public:
  explicit EpochSeconds(Connection* db) : db_(*db) {}

  // For runs that have recorded no epoch.
  absl::StatusOr<std::optional<double>> OfConfig(int64_t config_key) {
    const auto [found, is_new] = by_config_.try_emplace(config_key);
    if (!is_new) return found->second;
    Statement query = db_.Prepare(
        "SELECT m.epoch_seconds FROM runs r JOIN epochs m ON m.run_id = r.run_id"
        " AND m.epoch = r.epochs_done WHERE r.config_id = ? ORDER BY r.run_id DESC LIMIT 1");
    query.Bind(config_key);
    ANNEAL_ASSIGN_OR_RETURN(found->second, OneReal(std::move(query)));
    if (found->second.has_value()) return found->second;
    ANNEAL_ASSIGN_OR_RETURN(found->second, OfAny());
    return found->second;
  }

 private:
  absl::StatusOr<std::optional<double>> OfAny() {
    if (is_read_) return of_any_;
    is_read_ = true;
    ANNEAL_ASSIGN_OR_RETURN(
        of_any_, OneReal(db_.Prepare("SELECT m.epoch_seconds FROM events v JOIN epochs m"
                                     " ON m.run_id = v.run_id AND m.epoch = v.epoch"
                                     " WHERE v.kind = 'EPOCH' ORDER BY v.position DESC LIMIT 1")));
    return of_any_;
  }

  Connection& db_;
  std::map<int64_t, std::optional<double>> by_config_;
  bool is_read_ = false;
  std::optional<double> of_any_;
};

}  // namespace

absl::StatusOr<QueueSnapshot> HeadOfQueue(Connection& db, int limit) {
  QueueSnapshot snapshot;
  std::optional<UserQueue> last;
  while (true) {
    ANNEAL_ASSIGN_OR_RETURN(std::optional<UserQueue> next, NextUserQueue(db, last));
    if (!next.has_value()) break;
    const bool enough = static_cast<int>(snapshot.pending.size()) >= limit;
    if (enough && last.has_value() && next->priority < last->priority) break;
    ANNEAL_RETURN_IF_ERROR(AddHead(db, next->priority, next->user, limit, &snapshot));
    last = std::move(next);
  }
  if (!snapshot.pending.empty()) {
    ANNEAL_ASSIGN_OR_RETURN(snapshot.users, ReadStandings(db));
  }
  return snapshot;
}

absl::StatusOr<Queue> ReadQueue(Connection& db) {
  Queue queue;
  ANNEAL_ASSIGN_OR_RETURN(queue.snapshot.users, ReadStandings(db));
  EpochSeconds seconds(&db);
  Statement query = db.Prepare(
      "SELECT r.run_id, e.id, r.ordinal, r.state, r.priority, r.user, r.epochs_total -"
      " r.epochs_done, r.config_id, (SELECT m.epoch_seconds FROM epochs m"
      " WHERE m.run_id = r.run_id AND m.epoch = r.epochs_done)"
      " FROM runs r JOIN experiments e USING (experiment_id)"
      " WHERE r.state IN ('PENDING', 'RUNNING')");
  while (query.Next()) {
    WaitingRun run = {.name = FormatRunName(query.Bytes(1), query.Int(2)),
                      .epochs_left = static_cast<int32_t>(query.Int(6))};
    if (query.IsNull(8)) {
      ANNEAL_ASSIGN_OR_RETURN(run.epoch_seconds, seconds.OfConfig(query.Int(7)));
    } else {
      run.epoch_seconds = query.Real(8);
    }
    if (query.Bytes(3) == "RUNNING") {
      std::optional<double>& seconds_left = queue.running_seconds.emplace_back(run.epoch_seconds);
      if (seconds_left.has_value()) *seconds_left *= run.epochs_left;
      continue;
    }
    queue.snapshot.pending.push_back({.key = query.Int(0),
                                      .priority = static_cast<int32_t>(query.Int(4)),
                                      .user = query.Text(5)});
    queue.waiting[query.Int(0)] = std::move(run);
  }
  ANNEAL_RETURN_IF_ERROR(query.status());
  return queue;
}

absl::StatusOr<int64_t> CountPendingRuns(Connection& db) {
  return db.QueryInt("SELECT count(*) FROM runs WHERE state = 'PENDING'");
}

absl::StatusOr<std::map<std::string, int64_t>> CountRunsByState(Connection& db) {
  std::map<std::string, int64_t> counts;
  for (int state = v1::RUN_STATE_UNSPECIFIED + 1; state < v1::RunState_ARRAYSIZE; ++state) {
    counts[EnumName(static_cast<v1::RunState>(state))] = 0;
  }
  Statement statement = db.Prepare("SELECT state, count(*) FROM runs GROUP BY state");
  while (statement.Next()) counts[statement.Text(0)] = statement.Int(1);
  ANNEAL_RETURN_IF_ERROR(statement.status());
  return counts;
}

absl::StatusOr<int64_t> QueuePositions::Of(int64_t run_key, int64_t priority,
                                           const std::string& user) {
  if (!standings_.has_value()) {
    ANNEAL_ASSIGN_OR_RETURN(standings_, ReadStandings(db_));
  }
  ANNEAL_ASSIGN_OR_RETURN(const Level* level, LevelOf(priority));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t rank, RankOf(run_key, priority, user));
  return level->before + RunsBefore(user, rank, level->pending, *standings_);
}

absl::StatusOr<const QueuePositions::Level*> QueuePositions::LevelOf(int64_t priority) {
  const auto [found, is_new] = levels_.try_emplace(priority);
  Level& level = found->second;
  if (!is_new) return &level;
  Statement higher =
      db_.Prepare("SELECT count(*) FROM runs WHERE state = 'PENDING' AND priority > ?");
  higher.Bind(priority).Next();
  ANNEAL_RETURN_IF_ERROR(higher.status());
  level.before = higher.Int(0);
  Statement users = db_.Prepare(
      "SELECT user, count(*) FROM runs WHERE state = 'PENDING' AND priority = ? GROUP BY user");
  users.Bind(priority);
  while (users.Next()) level.pending[users.Text(0)] = users.Int(1);
  ANNEAL_RETURN_IF_ERROR(users.status());
  return &level;
}

absl::StatusOr<int64_t> QueuePositions::RankOf(int64_t run_key, int64_t priority,
                                               const std::string& user) {
  Rank& last = ranks_[{priority, user}];
  if (run_key < last.key) last = Rank();
  Statement query = db_.Prepare(
      "SELECT count(*) FROM runs WHERE state = 'PENDING' AND priority = ? AND user = ?"
      " AND run_id < ? AND run_id >= ?");
  query.Bind(priority, user, run_key, last.key).Next();
  ANNEAL_RETURN_IF_ERROR(query.status());
  last = {.key = run_key, .rank = last.rank + query.Int(0)};
  return last.rank;
}

}  // namespace anneal::store
