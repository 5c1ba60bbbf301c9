#include "server/store/experiment_store.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/event_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;

class ExperimentStoreTest : public StoreTest {
 protected:
  std::vector<std::string> List(int64_t before_key, int limit, bool show_deleted = false) {
    const ListQuery query = {.after = {before_key}, .limit = limit};
    std::vector<std::string> names;
    for (const ListedExperiment& listed :
         Read([&](Connection& db) { return ListExperiments(db, query, show_deleted); })) {
      names.push_back(listed.experiment.name());
    }
    return names;
  }
};

TEST_F(ExperimentStoreTest, EveryFieldOfASubmissionRoundTrips) {
  NewExperiment experiment = SomeExperiment("full", 3, -1000);
  v1::Experiment& submission = experiment.submission;
  *submission.mutable_config() = FromText<v1::TrainingConfig>(
      "dataset { name: 'tiny' train_limit: 0 } epochs: 7 batch_size: 32"
      " network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX } } batch_norm: false }"
      " theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_COSINE hold: 3000000000"
      "         plateau { patience: 2 } }");
  submission.mutable_config()->mutable_optimizer()->set_learning_rate(std::nextafter(0.1, 1));
  submission.mutable_config()->mutable_optimizer()->set_epsilon(
      std::numeric_limits<double>::denorm_min());
  submission.mutable_config()->mutable_theta()->set_start(0.78539816339744830962);
  v1::SweepAxis* axis = submission.add_axes();
  axis->set_field("optimizer.learning_rate");
  axis->add_values("0.1");
  axis->add_values("1e-3");
  submission.add_seeds(std::numeric_limits<int64_t>::max());
  submission.add_seeds(std::numeric_limits<int64_t>::min());
  submission.set_preset("annealed");
  submission.set_submit_command("anneal submit --set 'epochs=7'");
  submission.set_locked(true);
  (*submission.mutable_labels())["paper.fig-1"] = "caf\xc3\xa9 \"quoted\" \\ \n";
  submission.set_note("line\nline\t\xf0\x9f\x8d\x8b '; DROP TABLE runs; --");
  int next = 1;
  FillNumbers(&experiment.network, &next);
  v1::LayerSummary* layer = experiment.network.add_layers();
  layer->set_description("conv 4@3x3");
  layer->add_output_shape(4);
  Insert(experiment);
  Reopen();

  v1::Experiment got = Get("full");
  EXPECT_TRUE(Same(AsInserted(experiment), got));
  EXPECT_EQ(got.etag().size(), 16U);
  got.clear_etag();
  v1::Experiment expected = submission;
  expected.set_name("experiments/full");
  *expected.mutable_network() = experiment.network;
  *expected.mutable_create_time() = ToTimestamp(kNow);
  expected.set_state(v1::RUN_STATE_PENDING);
  expected.mutable_run_counts()->set_total(3);
  expected.mutable_run_counts()->set_pending(3);
  expected.set_last_sequence(1);
  EXPECT_TRUE(Same(expected, got));
  EXPECT_EQ(got.create_time().seconds(), 1'700'000'000);
  EXPECT_EQ(got.create_time().nanos(), 123'456'000);
}

TEST_F(ExperimentStoreTest, NewExperimentBeginsItsLogAndItsRunsArePending) {
  Insert(SomeExperiment("new", 2));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM events"), 1);
  for (int run = 0; run < 2; ++run) {
    EXPECT_EQ(GetRunOf("new", run).state(), v1::RUN_STATE_PENDING);
  }
}

TEST_F(ExperimentStoreTest, TakenIdIsAlreadyExistsAndLeavesTheFirstAlone) {
  Insert(SomeExperiment("taken", 2));
  const absl::Status status = Write([](Transaction& transaction) {
    return InsertExperiment(transaction, SomeExperiment("taken", 5));
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Mentions(status.message(), {"taken"}));
  EXPECT_TRUE(status.GetPayload(kErrorInfoUrl).has_value());
  EXPECT_EQ(Get("taken").run_counts().total(), 2);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM runs"), 2);
}

TEST_F(ExperimentStoreTest, RequestIsFoundByItsIdOnly) {
  NewExperiment experiment = SomeExperiment("asked");
  experiment.request_id = "key-1";
  experiment.request_sha256 = "abc";
  Insert(experiment);
  Insert(SomeExperiment("silent-1"));
  Insert(SomeExperiment("silent-2"));  // submissions without a request_id are distinct
  const auto find = [this](const std::string& id) {
    return Read([&](Connection& db) { return FindRequest(db, id); });
  };
  ASSERT_TRUE(find("key-1").has_value());
  EXPECT_EQ(find("key-1")->experiment_id, "asked");
  EXPECT_EQ(find("key-1")->request_sha256, "abc");
  EXPECT_FALSE(find("key-2").has_value());
  EXPECT_FALSE(find("").has_value());
}

TEST_F(ExperimentStoreTest, UnknownIdIsNotFoundAndNamed) {
  const absl::Status get =
      TryRead([](Connection& db) { return GetExperiment(db, "nothing").status(); });
  EXPECT_EQ(get.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Mentions(get.message(), {"nothing"}));
  EXPECT_EQ(TryRead([](Connection& db) { return ExperimentKey(db, "nothing").status(); }).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(ExperimentStoreTest, ListShowsTheNewestFirstFromAnyKeyOn) {
  for (const char* id : {"a", "c", "b"}) Insert(SomeExperiment(id));
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  EXPECT_THAT(List(kEnd, 10), ElementsAre("experiments/b", "experiments/c", "experiments/a"));
  EXPECT_THAT(List(kEnd, 2), ElementsAre("experiments/b", "experiments/c"));
  EXPECT_THAT(List(KeyOf("b"), 10), ElementsAre("experiments/c", "experiments/a"));
  EXPECT_THAT(List(KeyOf("a"), 10), ElementsAre());
}

TEST_F(ExperimentStoreTest, ListLeavesOutTheNetworkOnly) {
  Insert(SomeExperiment("a", 2, 7));
  const auto listed = Read([](Connection& db) { return ListExperiments(db, {.limit = 1}, false); });
  ASSERT_EQ(listed.size(), 1U);
  v1::Experiment expected = Get("a");
  EXPECT_TRUE(expected.has_network());
  expected.clear_network();
  EXPECT_TRUE(Same(expected, listed[0].experiment));
  EXPECT_EQ(listed[0].key, KeyOf("a"));
}

TEST_F(ExperimentStoreTest, DamagedColumnIsDataLoss) {
  Insert(SomeExperiment("a"));
  ASSERT_TRUE(Write([](Transaction& transaction) {
                return transaction.db().Execute("UPDATE experiments SET submission = x'0aff'");
              }).ok());
  EXPECT_EQ(TryRead([](Connection& db) { return GetExperiment(db, "a").status(); }).code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(ExperimentStoreTest, UnknownFieldIsSkipped) {
  Insert(SomeExperiment("a"));
  // The note "hi", then a number in field 2000.
  ASSERT_TRUE(Write([](Transaction& transaction) {
                return transaction.db().Execute(
                    "UPDATE experiments SET submission = x'3a026869807d01'");
              }).ok());
  EXPECT_EQ(Get("a").note(), "hi");
}

TEST_F(ExperimentStoreTest, EtagChangesWithUpdatableFieldsOnly) {
  Insert(SomeExperiment("a", 2));
  const std::string before = Get("a").etag();
  ASSERT_TRUE(Change(RunKeyOf("a", 0), v1::RUN_STATE_RUNNING).ok());
  EXPECT_EQ(Get("a").etag(), before);
  v1::Experiment submission = Read([](Connection& db) { return GetSubmission(db, "a"); });
  submission.set_note("seen");
  submission.set_priority(3);
  (*submission.mutable_labels())["team"] = "vision";
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return UpdateSubmission(transaction, KeyOf("a"), submission);
              }).ok());
  const v1::Experiment after = Get("a");
  EXPECT_NE(after.etag(), before);
  EXPECT_EQ(after.note(), "seen");
  EXPECT_EQ(after.priority(), 3);
  EXPECT_EQ(QueryInt("SELECT min(priority) FROM runs"), 3);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM labels WHERE key = 'team' AND value = 'vision'"), 1);
  submission.clear_labels();
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return UpdateSubmission(transaction, KeyOf("a"), submission);
              }).ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM labels"), 0);
  const std::string unlocked = Get("a").etag();
  submission.set_locked(true);
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return UpdateSubmission(transaction, KeyOf("a"), submission);
              }).ok());
  EXPECT_TRUE(Get("a").locked());
  EXPECT_NE(Get("a").etag(), unlocked);
}

TEST_F(ExperimentStoreTest, DeletedExperimentIsListedOnRequestAndCanBeUndeleted) {
  constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();
  for (const char* id : {"a", "b"}) Insert(SomeExperiment(id));
  const auto set = [this](std::optional<int64_t> time) {
    return Write(
        [&](Transaction& transaction) { return SetDeleted(transaction, KeyOf("a"), time); });
  };
  const auto check = [this] {
    return TryRead([](Connection& db) { return CheckNotDeleted(db, "a"); });
  };
  EXPECT_TRUE(check().ok());
  ASSERT_TRUE(set(kNow).ok());
  EXPECT_THAT(List(kEnd, 9), ElementsAre("experiments/b"));
  EXPECT_THAT(List(kEnd, 9, true), ElementsAre("experiments/b", "experiments/a"));
  EXPECT_TRUE(Same(Get("a").delete_time(), ToTimestamp(kNow)));
  EXPECT_EQ(check().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(set(std::nullopt).ok());
  EXPECT_THAT(List(kEnd, 9), ElementsAre("experiments/b", "experiments/a"));
  EXPECT_FALSE(Get("a").has_delete_time());
}

TEST_F(ExperimentStoreTest, PurgeRemovesAllUnsharedRows) {
  NewExperiment gone = SomeExperiment("gone", 1);
  v1::TrainingConfig other;
  other.set_epochs(9);
  gone.cells.emplace_back(Parameters{}, other, std::vector<int64_t>{0});
  gone.network.set_parameter_count(43);
  (*gone.submission.mutable_labels())["team"] = "vision";
  Insert(gone);
  Insert(SomeExperiment("stays", 2));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM configs"), 2) << "equal ones are stored once";
  EXPECT_EQ(QueryInt("SELECT count(*) FROM networks"), 2);
  ASSERT_TRUE(Write([key = KeyOf("gone")](Transaction& transaction) {
                return PurgeExperiment(transaction, key);
              }).ok());
  EXPECT_EQ(QueryInt("SELECT count(*) FROM configs"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM networks"), 1);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM labels"), 0);
  EXPECT_EQ(QueryInt("SELECT count(*) FROM runs"), 2);
  EXPECT_EQ(GetRunOf("stays", 1).name(), "experiments/stays/runs/1");
}

}  // namespace
}  // namespace anneal::store
