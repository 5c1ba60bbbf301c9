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
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

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
  counts.set_diverged(counts.failed());  // as SomeFailure
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

TEST_F(RunStoreTest, DivergedRunsAreCountedAmongTheFailedOnes) {
  Insert(SomeExperiment("e", 3));
  v1::Failure lost;
  lost.set_reason(v1::FAILURE_REASON_WORKER_LOST);
  const auto fail = [&](int64_t ordinal, const v1::Failure& failure) {
    ASSERT_TRUE(Change(RunKeyOf("e", ordinal), v1::RUN_STATE_RUNNING).ok());
    ASSERT_TRUE(Change(RunKeyOf("e", ordinal), v1::RUN_STATE_FAILED, kNow, failure).ok());
  };
  fail(0, SomeFailure());
  fail(1, SomeFailure());
  fail(2, lost);
  EXPECT_EQ(Get("e").run_counts().failed(), 3);
  EXPECT_EQ(Get("e").run_counts().diverged(), 2);
  EXPECT_EQ(Get("e").run_counts().total(), 3);
  ASSERT_TRUE(Change(RunKeyOf("e", 0), v1::RUN_STATE_PENDING).ok());
  ASSERT_TRUE(Change(RunKeyOf("e", 2), v1::RUN_STATE_PENDING).ok());
  EXPECT_EQ(Get("e").run_counts().failed(), 1);
  EXPECT_EQ(Get("e").run_counts().diverged(), 1);
}

TEST_F(RunStoreTest, CollapseIsThatOfTheLastEpoch) {
  Insert(SomeExperiment("e"));
  const int64_t key = RunKeyOf("e", 0);
  const auto record = [&](int32_t epoch, std::optional<int32_t> classes) {
    v1::EpochReport report = SomeReport(epoch);
    report.mutable_epoch()->clear_validation_predicted_classes();
    if (classes.has_value()) {
      report.mutable_epoch()->set_validation_predicted_classes(*classes);
    }
    ASSERT_TRUE(Record(key, report).ok());
  };
  record(1, 1);
  EXPECT_TRUE(GetRunOf("e", 0).collapsed());
  EXPECT_TRUE(GetRunOf("e", 0, v1::RUN_VIEW_BASIC).collapsed());
  record(2, 2);
  EXPECT_FALSE(GetRunOf("e", 0).collapsed());
  record(3, 1);
  EXPECT_TRUE(GetRunOf("e", 0).collapsed());
  record(4, std::nullopt);
  EXPECT_FALSE(GetRunOf("e", 0).collapsed()) << "not known";
}

TEST_F(RunStoreTest, LabelsAndNoteOfARunAreItsOwn) {
  NewExperiment experiment = SomeExperiment("e", 2);
  (*experiment.submission.mutable_labels())["team"] = "vision";
  experiment.submission.set_note("all");
  Insert(experiment);
  const auto update = [this](const std::map<std::string, std::string>& labels,
                             const std::string& note) {
    const google::protobuf::Map<std::string, std::string> map(labels.begin(), labels.end());
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return UpdateRunAnnotations(transaction, RunKeyOf("e", 1), map, note);
                }).ok());
  };
  EXPECT_EQ(GetRunOf("e", 1).note(), "");
  EXPECT_THAT(GetRunOf("e", 1).labels(), IsEmpty());
  update({{"figure", "3"}, {"team", "text"}}, "look at epoch 7; it's odd");
  for (const v1::RunView view : {v1::RUN_VIEW_BASIC, v1::RUN_VIEW_FULL}) {
    const v1::Run run = GetRunOf("e", 1, view);
    EXPECT_EQ(run.note(), "look at epoch 7; it's odd");
    EXPECT_THAT(run.labels(), UnorderedElementsAre(Pair("figure", "3"), Pair("team", "text")));
    EXPECT_THAT(GetRunOf("e", 0, view).labels(), IsEmpty());
  }
  update({{"team", "audio"}}, "");
  EXPECT_EQ(GetRunOf("e", 1).note(), "");
  EXPECT_THAT(GetRunOf("e", 1).labels(), ElementsAre(Pair("team", "audio")));
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

TEST_F(RunStoreTest, ExtendedRunKeepsItsEarlierTestResults) {
  Insert(SomeExperiment("e", 2));
  const int64_t key = RunKeyOf("e", 0);
  const auto complete = [&](int32_t epochs, const std::string& digest) {
    v1::RunCompleted completed;
    for (const auto weights : {v1::TestResult::WEIGHTS_LAST, v1::TestResult::WEIGHTS_BEST}) {
      *completed.add_test_results() = SomeResult(weights);
      completed.mutable_test_results()->rbegin()->set_run_epochs(epochs);
      completed.mutable_test_results()->rbegin()->set_accuracy(epochs / 16.0);
    }
    completed.set_weights_sha256(digest);
    completed.set_best_weights_sha256("best " + digest);
    ASSERT_TRUE(Change(key, v1::RUN_STATE_RUNNING).ok());
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return RecordCompletion(transaction, key, completed);
                }).ok());
    ASSERT_TRUE(Change(key, v1::RUN_STATE_SUCCEEDED).ok());
  };
  const auto extend = [&](int32_t epochs) {
    v1::TrainingConfig config;
    config.set_epochs(epochs);
    ASSERT_TRUE(Change(key, v1::RUN_STATE_PENDING).ok());
    ASSERT_TRUE(
        Write([&](Transaction& transaction) { return ExtendRun(transaction, key, config); }).ok());
  };
  complete(3, "a");
  EXPECT_EQ(GetRunOf("e", 0).weights_sha256(), "a");
  EXPECT_EQ(GetRunOf("e", 0).best_weights_sha256(), "best a");
  EXPECT_THAT(GetRunOf("e", 0).earlier_test_results(), IsEmpty());
  extend(6);
  EXPECT_EQ(GetRunOf("e", 0).weights_sha256(), "") << "the weights are no longer the last";
  EXPECT_EQ(GetRunOf("e", 0).best_weights_sha256(), "");
  EXPECT_THAT(GetRunOf("e", 0).test_results(), IsEmpty());
  EXPECT_EQ(GetRunOf("e", 0).earlier_test_results_size(), 2) << "before it has ended again";
  complete(6, "b");
  extend(10);
  complete(10, "c");
  Reopen();

  const v1::Run run = GetRunOf("e", 0);
  EXPECT_EQ(run.epochs_total(), 10);
  EXPECT_THAT(run.extended_from(), ElementsAre(3, 6));
  EXPECT_EQ(run.weights_sha256(), "c");
  ASSERT_EQ(run.test_results_size(), 2);
  EXPECT_EQ(run.test_results(0).run_epochs(), 10);
  std::vector<std::pair<int32_t, v1::TestResult::Weights>> earlier;
  for (const v1::TestResult& result : run.earlier_test_results()) {
    earlier.emplace_back(result.run_epochs(), result.weights());
    EXPECT_EQ(result.accuracy(), result.run_epochs() / 16.0);
    EXPECT_EQ(result.classes_size(), 3);
  }
  EXPECT_THAT(
      earlier,
      ElementsAre(Pair(6, v1::TestResult::WEIGHTS_LAST), Pair(6, v1::TestResult::WEIGHTS_BEST),
                  Pair(3, v1::TestResult::WEIGHTS_LAST), Pair(3, v1::TestResult::WEIGHTS_BEST)));
  v1::TestResult expected = SomeResult(v1::TestResult::WEIGHTS_BEST);
  expected.set_run_epochs(3);
  expected.set_accuracy(3 / 16.0);
  v1::TestResult last = run.earlier_test_results(3);
  last.clear_classes();
  EXPECT_TRUE(Same(last, expected)) << "with every number, and its confusion matrix";

  const v1::Run basic = GetRunOf("e", 0, v1::RUN_VIEW_BASIC);
  ASSERT_EQ(basic.earlier_test_results_size(), 4);
  EXPECT_EQ(basic.earlier_test_results(0).confusion_size(), 0);
  EXPECT_EQ(basic.earlier_test_results(0).classes_size(), 0);
  EXPECT_THAT(basic.extended_from(), ElementsAre(3, 6));
  EXPECT_THAT(GetRunOf("e", 1).extended_from(), IsEmpty());
}

}  // namespace
}  // namespace anneal::store
