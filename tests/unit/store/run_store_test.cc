// Tests runs: their state machine against a model, their queue, and their records.

#include "server/store/run_store.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/run_state.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/scheduling/policy.h"
#include "server/store/event_store.h"
#include "server/store/queue_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr v1::RunState kStates[] = {v1::RUN_STATE_PENDING,   v1::RUN_STATE_RUNNING,
                                    v1::RUN_STATE_SUSPENDED, v1::RUN_STATE_SUCCEEDED,
                                    v1::RUN_STATE_FAILED,    v1::RUN_STATE_CANCELLED};

// As the comment in common/run_state.h draws it.
bool MayBecome(v1::RunState from, v1::RunState to) {
  static const auto& allowed = *new std::map<v1::RunState, std::set<v1::RunState>>{
      {v1::RUN_STATE_PENDING,
       {v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUSPENDED, v1::RUN_STATE_CANCELLED,
        v1::RUN_STATE_FAILED}},
      {v1::RUN_STATE_RUNNING,
       {v1::RUN_STATE_PENDING, v1::RUN_STATE_SUSPENDED, v1::RUN_STATE_SUCCEEDED,
        v1::RUN_STATE_FAILED, v1::RUN_STATE_CANCELLED}},
      {v1::RUN_STATE_SUSPENDED, {v1::RUN_STATE_PENDING, v1::RUN_STATE_CANCELLED}},
      {v1::RUN_STATE_SUCCEEDED, {v1::RUN_STATE_PENDING}},
      {v1::RUN_STATE_FAILED, {v1::RUN_STATE_PENDING}},
      {v1::RUN_STATE_CANCELLED, {v1::RUN_STATE_PENDING}}};
  const auto found = allowed.find(from);
  return found != allowed.end() && found->second.count(to) == 1;
}

v1::RunCounts CountsOf(const std::vector<v1::RunState>& states) {
  v1::RunCounts counts;
  const auto of = [&states](v1::RunState state) {
    return static_cast<int32_t>(std::count(states.begin(), states.end(), state));
  };
  counts.set_total(static_cast<int32_t>(states.size()));
  counts.set_pending(of(v1::RUN_STATE_PENDING));
  counts.set_running(of(v1::RUN_STATE_RUNNING));
  counts.set_suspended(of(v1::RUN_STATE_SUSPENDED));
  counts.set_succeeded(of(v1::RUN_STATE_SUCCEEDED));
  counts.set_failed(of(v1::RUN_STATE_FAILED));
  counts.set_cancelled(of(v1::RUN_STATE_CANCELLED));
  return counts;
}

v1::Failure SomeFailure() {
  return FromText<v1::Failure>("reason: FAILURE_REASON_DIVERGED message: 'loss was inf'");
}

class RunStoreTest : public StoreTest {
 protected:
  std::vector<v1::Event> Events(const std::string& id) {
    return Read([&](Connection& db) -> absl::StatusOr<std::vector<v1::Event>> {
      auto key = ExperimentKey(db, id);
      if (!key.ok()) return key.status();
      return ListEvents(db, {.experiment_key = *key, .limit = 10'000});
    });
  }
  std::vector<int64_t> Pending(int limit) {
    return scheduling::NextRuns(Read([&](Connection& db) { return HeadOfQueue(db, limit); }),
                                limit);
  }
  v1::RunState StateOf(int64_t run) {
    return Read([&](Connection& db) { return GetRunState(db, run); });
  }
};

class RunLifeCycleTest : public RunStoreTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(RunLifeCycleTest, CountsAndLogMatchTheStatesAfterRandomTransitions) {
  constexpr int kRuns = 4;
  std::mt19937 random(GetParam());
  Insert(SomeExperiment("e", kRuns));
  std::vector<v1::RunState> states(kRuns, v1::RUN_STATE_PENDING);
  std::vector<int> attempts(kRuns, 0);
  int64_t last_sequence = 1;
  for (int step = 0; step < 40; ++step) {
    const size_t run = random() % kRuns;
    const v1::RunState to = kStates[random() % std::size(kStates)];
    const bool allowed = MayBecome(states[run], to);
    const int64_t time = kNow + step;
    const int64_t key = RunKeyOf("e", static_cast<int64_t>(run));
    const absl::Status status = Change(
        key, to, time, to == v1::RUN_STATE_FAILED ? std::optional(SomeFailure()) : std::nullopt);
    EXPECT_EQ(status.code(),
              allowed ? absl::StatusCode::kOk : absl::StatusCode::kFailedPrecondition)
        << v1::RunState_Name(states[run]) << " to " << v1::RunState_Name(to);
    if (allowed) {
      states[run] = to;
      ++last_sequence;
      if (to == v1::RUN_STATE_RUNNING) ++attempts[run];
    }
    const v1::Experiment experiment = Get("e");
    ASSERT_TRUE(Same(experiment.run_counts(), CountsOf(states)));
    EXPECT_EQ(experiment.state(), CombinedState(CountsOf(states)));
    EXPECT_EQ(experiment.last_sequence(), last_sequence);
    const v1::Run got = GetRunOf("e", static_cast<int64_t>(run));
    EXPECT_EQ(got.state(), states[run]);
    EXPECT_EQ(got.attempts(), attempts[run]);
    EXPECT_EQ(got.has_failure(), states[run] == v1::RUN_STATE_FAILED);
    EXPECT_EQ(got.has_end_time(), IsFinal(states[run]));
    EXPECT_EQ(got.has_queue_position(), states[run] == v1::RUN_STATE_PENDING);
  }
  const std::vector<v1::Event> events = Events("e");
  ASSERT_EQ(static_cast<int64_t>(events.size()), last_sequence);
  std::map<std::string, v1::RunState> replayed;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].sequence(), static_cast<int64_t>(i) + 1);
    if (!events[i].has_state_change()) continue;
    const auto [run, is_new] = replayed.emplace(events[i].run(), v1::RUN_STATE_PENDING);
    EXPECT_EQ(events[i].state_change().from(), run->second);
    run->second = events[i].state_change().to();
  }
  for (const auto& [name, state] : replayed) {
    EXPECT_EQ(state, states[static_cast<size_t>(name.back() - '0')]) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RunLifeCycleTest, ::testing::Range(1U, 9U));

TEST_F(RunStoreTest, InvalidTransitionsAreRejectedWithoutTrace) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  const std::map<v1::RunState, std::vector<v1::RunState>> ways = {
      {v1::RUN_STATE_PENDING, {}},
      {v1::RUN_STATE_RUNNING, {v1::RUN_STATE_RUNNING}},
      {v1::RUN_STATE_SUSPENDED, {v1::RUN_STATE_SUSPENDED}},
      {v1::RUN_STATE_SUCCEEDED, {v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUCCEEDED}},
      {v1::RUN_STATE_FAILED, {v1::RUN_STATE_RUNNING, v1::RUN_STATE_FAILED}},
      {v1::RUN_STATE_CANCELLED, {v1::RUN_STATE_CANCELLED}}};
  int made = 0;
  for (const auto& [from, way] : ways) {
    const std::string id = absl::StrCat("from-", made++);
    Insert(SomeExperiment(id));
    const int64_t run = RunKeyOf(id, 0);
    for (const v1::RunState step : way) ASSERT_TRUE(Change(run, step).ok());
    const v1::Run before = GetRunOf(id, 0);
    for (const v1::RunState to : kStates) {
      if (MayBecome(from, to)) continue;
      EXPECT_EQ(Change(run, to).code(), absl::StatusCode::kFailedPrecondition)
          << v1::RunState_Name(from) << " to " << v1::RunState_Name(to);
    }
    EXPECT_TRUE(Same(before, GetRunOf(id, 0)));
    EXPECT_EQ(Get(id).last_sequence(), static_cast<int64_t>(way.size()) + 1);
  }
  EXPECT_EQ(Change(key, v1::RUN_STATE_UNSPECIFIED).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(RunStoreTest, TransitionsRecordTimesAndFailures) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  ASSERT_TRUE(Change(key, v1::RUN_STATE_RUNNING, kNow + 1).ok());
  EXPECT_TRUE(Same(GetRunOf("e", 0).start_time(), ToTimestamp(kNow + 1)));
  ASSERT_TRUE(Change(key, v1::RUN_STATE_PENDING, kNow + 2).ok());
  ASSERT_TRUE(Change(key, v1::RUN_STATE_RUNNING, kNow + 3).ok());
  ASSERT_TRUE(Change(key, v1::RUN_STATE_FAILED, kNow + 4, SomeFailure()).ok());
  Reopen();
  const v1::Run run = GetRunOf("e", 0);
  EXPECT_TRUE(Same(run.create_time(), ToTimestamp(kNow)));
  EXPECT_TRUE(Same(run.start_time(), ToTimestamp(kNow + 3)));
  EXPECT_TRUE(Same(run.end_time(), ToTimestamp(kNow + 4)));
  EXPECT_EQ(run.attempts(), 2);
  EXPECT_TRUE(Same(run.failure(), SomeFailure()));

  const v1::Event last = Events("e").back();
  EXPECT_EQ(last.experiment(), "experiments/e");
  EXPECT_EQ(last.run(), "experiments/e/runs/0");
  EXPECT_TRUE(Same(last.time(), ToTimestamp(kNow + 4)));
  v1::StateChange expected;
  expected.set_from(v1::RUN_STATE_RUNNING);
  expected.set_to(v1::RUN_STATE_FAILED);
  *expected.mutable_failure() = SomeFailure();
  EXPECT_TRUE(Same(last.state_change(), expected));
}

TEST_F(RunStoreTest, RunsKeepTheirSubmittedValues) {
  NewExperiment experiment = SomeExperiment("e", 1);
  v1::TrainingConfig config = config::ResolveConfig({});
  config.set_epochs(12);
  config.mutable_optimizer()->set_learning_rate(std::nextafter(0.3, 1));
  experiment.cells.emplace_back(Parameters{{"optimizer.learning_rate", "3e-1"}}, config,
                                std::vector{std::numeric_limits<int64_t>::min()});
  Insert(experiment);
  const v1::Run run = GetRunOf("e", 1);
  EXPECT_EQ(run.name(), "experiments/e/runs/1");
  EXPECT_EQ(run.seed(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(run.epochs_total(), 12);
  EXPECT_EQ(run.epochs_done(), 0);
  EXPECT_EQ(run.attempts(), 0);
  EXPECT_EQ(run.parameters().size(), 1U);
  EXPECT_EQ(run.parameters().at("optimizer.learning_rate"), "3e-1");
  EXPECT_TRUE(Same(run.config(), config));
  EXPECT_FALSE(run.has_start_time());
  EXPECT_FALSE(run.has_end_time());
  EXPECT_FALSE(run.has_failure());
  EXPECT_FALSE(run.has_last_epoch());
  EXPECT_EQ(run.engine(), "");

  const v1::Run basic = GetRunOf("e", 1, v1::RUN_VIEW_BASIC);
  EXPECT_FALSE(basic.has_config());
  EXPECT_FALSE(basic.has_network());
  EXPECT_EQ(basic.seed(), run.seed());

  const v1::RunAssignment assignment =
      Read([&](Connection& db) { return GetAssignment(db, RunKeyOf("e", 1)); });
  EXPECT_EQ(assignment.name(), run.name());
  EXPECT_EQ(assignment.seed(), run.seed());
  EXPECT_EQ(assignment.run_id(), RunKeyOf("e", 1));
  EXPECT_TRUE(Same(assignment.config(), config));
}

// Filters, grouping and the sharing of configs depend on these texts, which older databases hold.
TEST_F(RunStoreTest, ColumnsAreCompactJsonOfSetFields) {
  NewExperiment experiment = SomeExperiment("e");
  const auto config = FromText<v1::TrainingConfig>(
      "dataset { name: 'tiny' } epochs: 2 theta { start: 0.25 hold: 10 } network { layers {"
      " dense { units: 4 } } }");
  experiment.cells = {NewCell({{"epochs", "2"}}, config, {7})};
  Insert(experiment);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM configs WHERE json = '"
                     R"({"dataset":{"name":"tiny"},"network":{"layers":[{"dense":{"units":4}}]},)"
                     R"("theta":{"start":0.25,"hold":"10"},"epochs":2}')"),
            1);
  EXPECT_EQ(QueryInt(R"(SELECT count(*) FROM runs WHERE parameters = '{"epochs":"2"}')"), 1);
}

TEST_F(RunStoreTest, ListedConfigsAreSharedByTheRunsThatHaveThem) {
  v1::TrainingConfig one;
  one.set_epochs(1);
  v1::TrainingConfig two;
  two.set_epochs(2);
  NewExperiment first = SomeExperiment("first");
  first.cells = {NewCell({}, one, {0, 1}), NewCell({}, two, {0, 1})};
  Insert(first);
  NewExperiment second = SomeExperiment("second");
  second.cells = {NewCell({}, two, {5})};
  Insert(second);
  SharedConfigs configs;
  const auto list = [&](const std::string& id) {
    return Read([&](Connection& db) { return ListRunConfigs(db, KeyOf(id), &configs); });
  };
  const std::vector<RunConfigRow> rows = list("first");
  ASSERT_EQ(rows.size(), 4U);
  for (int64_t run = 0; run < 4; ++run) {
    const RunConfigRow& row = rows[static_cast<size_t>(run)];
    EXPECT_EQ(row.key, RunKeyOf("first", run));
    EXPECT_TRUE(Same(*row.config, run < 2 ? one : two));
  }
  EXPECT_EQ(rows[0].config, rows[1].config);
  EXPECT_EQ(rows[2].config, rows[3].config);
  EXPECT_EQ(list("second")[0].config, rows[2].config);
  EXPECT_EQ(configs.size(), 2U);
}

TEST_F(RunStoreTest, UnreadableColumnsAreDataLossAndNameTheCheck) {
  Insert(SomeExperiment("e"));
  const auto break_column = [&](const std::string& sql) {
    ASSERT_TRUE(
        Write([&](Transaction& transaction) { return transaction.db().Execute(sql); }).ok());
  };
  const auto get = [&] {
    return TryRead([](Connection& db) {
             return GetRun(db, {.experiment_id = "e", .ordinal = 0}, v1::RUN_VIEW_FULL);
           })
        .status();
  };
  break_column("UPDATE configs SET json = '[' || json || ']'");
  EXPECT_EQ(get().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Mentions(get().message(), {"TrainingConfig", "anneald check"}));
  break_column("UPDATE runs SET parameters = '[]'");
  EXPECT_EQ(get().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Mentions(get().message(), {"parameters", "anneald check"}));
}

TEST_F(RunStoreTest, StartReportRoundTrips) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  v1::RunStarted started;
  started.set_engine("reference cpu");
  started.set_dataset_sha256(std::string(64, 'a'));
  int next = 3;
  FillNumbers(started.mutable_network(), &next);
  ASSERT_TRUE(
      Write([&](Transaction& transaction) { return RecordStart(transaction, key, started); }).ok());
  const v1::Run run = GetRunOf("e", 0);
  EXPECT_EQ(run.engine(), started.engine());
  EXPECT_EQ(run.dataset_sha256(), started.dataset_sha256());
  EXPECT_TRUE(Same(run.network(), started.network()));
}

TEST_F(RunStoreTest, UnknownRunsAreNotFound) {
  Insert(SomeExperiment("e"));
  const auto get = [this](const std::string& id, int64_t ordinal) {
    return TryRead([&](Connection& db) {
      return GetRun(db, {.experiment_id = id, .ordinal = ordinal}, v1::RUN_VIEW_FULL).status();
    });
  };
  EXPECT_EQ(get("e", 1).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Mentions(get("e", 1).message(), {"experiments/e/runs/1"}));
  EXPECT_EQ(get("e", -1).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(get("f", 0).code(), absl::StatusCode::kNotFound);
  const absl::Status keyless = TryRead([](Connection& db) {
    EXPECT_EQ(GetAssignment(db, 999).status().code(), absl::StatusCode::kNotFound);
    return GetRunState(db, 999).status();
  });
  EXPECT_EQ(keyless.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Change(999, v1::RUN_STATE_RUNNING).code(), absl::StatusCode::kNotFound);
}

TEST_F(RunStoreTest, RunsAreListedInOrderFromAnyNumberOn) {
  Insert(SomeExperiment("e", 12));
  Insert(SomeExperiment("other", 3));
  const int64_t key = KeyOf("e");
  const auto list = [&](std::optional<int64_t> after, int limit) {
    RunQuery query = {.experiment_key = key, .list = {.limit = limit}};
    if (after.has_value()) query.list.after = {key, *after};
    std::vector<std::string> names;
    for (const ListedRun& listed : Read([&](Connection& db) { return ListRuns(db, query); })) {
      names.push_back(listed.run.name());
    }
    return names;
  };
  EXPECT_EQ(list(std::nullopt, 100).size(), 12U);
  EXPECT_THAT(list(8, 2), ElementsAre("experiments/e/runs/9", "experiments/e/runs/10"));
  EXPECT_THAT(list(11, 2), IsEmpty());
}

TEST_F(RunStoreTest, QueueIsOrderedByPriorityThenSubmission) {
  Insert(SomeExperiment("first", 2, 0));
  Insert(SomeExperiment("low", 1, -5));
  Insert(SomeExperiment("urgent", 2, 10));
  Insert(SomeExperiment("second", 1, 0));
  const std::vector<int64_t> order = {RunKeyOf("urgent", 0), RunKeyOf("urgent", 1),
                                      RunKeyOf("first", 0),  RunKeyOf("first", 1),
                                      RunKeyOf("second", 0), RunKeyOf("low", 0)};
  EXPECT_EQ(Pending(100), order);
  EXPECT_THAT(Pending(2), ElementsAre(order[0], order[1]));
  EXPECT_EQ(GetRunOf("urgent", 0).queue_position(), 0);
  EXPECT_EQ(GetRunOf("first", 1).queue_position(), 3);
  EXPECT_EQ(GetRunOf("low", 0).queue_position(), 5);

  ASSERT_TRUE(Change(order[0], v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Change(order[2], v1::RUN_STATE_CANCELLED).ok());
  EXPECT_THAT(Pending(100), ElementsAre(order[1], order[3], order[4], order[5]));
  EXPECT_EQ(Read([](Connection& db) { return CountPendingRuns(db); }), 4);
  EXPECT_EQ(GetRunOf("low", 0).queue_position(), 3);
  // Requeued, it returns to its earlier position.
  ASSERT_TRUE(Change(order[0], v1::RUN_STATE_PENDING).ok());
  EXPECT_EQ(Pending(1), std::vector<int64_t>{order[0]});
}

TEST_F(RunStoreTest, RunningRunsAndStatesAreFound) {
  Insert(SomeExperiment("e", 5));
  std::vector<int64_t> keys;
  for (int run = 0; run < 5; ++run) keys.push_back(RunKeyOf("e", run));
  ASSERT_TRUE(Change(keys[1], v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Change(keys[2], v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Change(keys[2], v1::RUN_STATE_SUCCEEDED).ok());
  ASSERT_TRUE(Change(keys[3], v1::RUN_STATE_SUSPENDED).ok());
  ASSERT_TRUE(Change(keys[4], v1::RUN_STATE_CANCELLED).ok());
  ASSERT_TRUE(
      Write([&](Transaction& transaction) { return SetLosses(transaction, keys[1], 3); }).ok());
  const auto running = Read([](Connection& db) { return RunningRuns(db); });
  ASSERT_EQ(running.size(), 1U);
  EXPECT_EQ(running[0].key, keys[1]);
  EXPECT_EQ(running[0].losses, 3);
  std::vector<v1::RunState> states;
  for (const RunStateRow& row : Read([&](Connection& db) { return RunStates(db, KeyOf("e")); })) {
    EXPECT_EQ(row.key, keys[states.size()]);
    states.push_back(row.state);
  }
  EXPECT_THAT(states,
              ElementsAre(v1::RUN_STATE_PENDING, v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUCCEEDED,
                          v1::RUN_STATE_SUSPENDED, v1::RUN_STATE_CANCELLED));
}

TEST_F(RunStoreTest, RecordedEpochAdvancesTheRunAndResetsItsLosses) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  ASSERT_TRUE(Change(key, v1::RUN_STATE_RUNNING).ok());
  ASSERT_TRUE(Write([&](Transaction& transaction) { return SetLosses(transaction, key, 2); }).ok());
  ASSERT_TRUE(Record(key, SomeReport(1)).ok());
  ASSERT_TRUE(Record(key, SomeReport(2)).ok());
  const v1::Run run = GetRunOf("e", 0);
  EXPECT_EQ(run.epochs_done(), 2);
  EXPECT_TRUE(Same(run.last_epoch(), SomeReport(2).epoch()));
  EXPECT_EQ(Read([](Connection& db) { return RunningRuns(db); })[0].losses, 0);
  const std::vector<v1::Event> events = Events("e");
  ASSERT_EQ(events.size(), 4U);
  EXPECT_TRUE(Same(events[2].epoch(), SomeReport(1).epoch()));
  EXPECT_TRUE(Same(events[3].epoch(), SomeReport(2).epoch()));
  EXPECT_EQ(events[3].run(), "experiments/e/runs/0");
}

TEST_F(RunStoreTest, DuplicateEpochIsIgnoredAndAddsNoEvent) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  ASSERT_TRUE(Record(key, SomeReport(1)).ok());
  ASSERT_TRUE(Record(key, SomeReport(2)).ok());
  for (const int32_t again : {1, 2}) {
    v1::EpochReport other = SomeReport(again);
    other.mutable_epoch()->set_train_loss(99);
    EXPECT_TRUE(Record(key, other).ok());
  }
  EXPECT_EQ(Get("e").last_sequence(), 3);
  EXPECT_EQ(GetRunOf("e", 0).epochs_done(), 2);
  EXPECT_TRUE(Same(Events("e")[1].epoch(), SomeReport(1).epoch()));
  EXPECT_TRUE(Same(GetRunOf("e", 0).last_epoch(), SomeReport(2).epoch()));
}

}  // namespace
}  // namespace anneal::store
