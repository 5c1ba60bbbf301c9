// Tests filters, orders and pages on a real database: results, their order, and refusals.

#include "server/store/list_query.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/metric.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/list_fields.h"
#include "server/store/test_result_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

constexpr int64_t kDay = 86'400'000'000;

class ListQueryTest : public StoreTest {
 protected:
  // Four experiments of two runs: ada's `first` and `second`, bob's `third` and `lr-x`.
  void SetUp() override {
    StoreTest::SetUp();
    Add("first", "ada", "annealed", 0.001, v1::THETA_POLICY_SCHEDULED);
    Add("second", "ada", "baseline", 0.01, v1::THETA_POLICY_FIXED);
    Add("third", "bob", "annealed", 0.1, v1::THETA_POLICY_SCHEDULED);
    Add("lr-x", "bob", "", 0.1, v1::THETA_POLICY_FIXED);
    Finish("first", 0, 0.9, 0.5);
    Finish("first", 1, 0.8, 0.4);
    Finish("third", 1, 0.95, 0.7);
    ASSERT_TRUE(Change(RunKeyOf("second", 0), v1::RUN_STATE_RUNNING).ok());
    v1::Failure failure;
    failure.set_reason(v1::FAILURE_REASON_DIVERGED);
    ASSERT_TRUE(Change(RunKeyOf("second", 0), v1::RUN_STATE_FAILED, kNow, failure).ok());
    ASSERT_TRUE(Change(RunKeyOf("second", 1), v1::RUN_STATE_CANCELLED).ok());
  }

  void Add(const std::string& id, const std::string& user, const std::string& preset, double rate,
           v1::ThetaPolicy policy) {
    NewExperiment experiment = SomeExperiment(id, 2, added_);
    experiment.submission.set_user(user);
    experiment.submission.set_preset(preset);
    experiment.submission.set_note(absl::StrCat("A note on ", id, ": 100%"));
    (*experiment.submission.mutable_labels())["team"] = user == "ada" ? "vision" : "text";
    (*experiment.submission.mutable_labels())["only." + id] = "";
    v1::TrainingConfig config;
    config.set_epochs(3);
    config.mutable_optimizer()->set_learning_rate(rate);
    config.mutable_theta()->set_policy(policy);
    config.mutable_theta()->set_hold(10);
    config.mutable_network()->set_batch_norm(id == "third");
    config.mutable_network()->add_layers()->mutable_conv()->set_filters(added_ == 0 ? 8 : 16);
    experiment.cells = {NewCell({}, config, {0, 1})};
    experiment.time_micros = kNow + added_++ * kDay;
    Insert(experiment);
  }

  void Finish(const std::string& id, int64_t ordinal, double accuracy, double validation_loss) {
    const int64_t run = RunKeyOf(id, ordinal);
    ASSERT_TRUE(Change(run, v1::RUN_STATE_RUNNING).ok());
    v1::EpochReport first = SomeReport(1);
    first.mutable_epoch()->set_validation_loss(validation_loss - 0.25);
    first.mutable_epoch()->set_validation_accuracy(accuracy - 0.5);
    first.mutable_epoch()->set_validation_f1(0.125);
    first.mutable_epoch()->set_eligible(false);
    ASSERT_TRUE(Record(run, first).ok());
    v1::EpochReport second = SomeReport(2);
    second.mutable_epoch()->set_validation_loss(validation_loss);
    second.mutable_epoch()->set_validation_accuracy(accuracy - 0.25);
    second.mutable_epoch()->set_validation_f1(accuracy);
    second.mutable_epoch()->set_eligible(true);
    second.mutable_epoch()->set_validation_predicted_classes(id == "third" ? 1 : 10);
    ASSERT_TRUE(Record(run, second).ok());
    v1::TestResult result;
    result.set_weights(v1::TestResult::WEIGHTS_LAST);
    result.set_accuracy(accuracy);
    result.set_relu_accuracy(accuracy / 2);
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return InsertTestResult(transaction, run, result);
                }).ok());
    ASSERT_TRUE(Change(run, v1::RUN_STATE_SUCCEEDED).ok());
  }

  static absl::StatusOr<ListQuery> Query(Listed listed, const std::string& filter_text,
                                         const std::string& order_text, int limit) {
    ListQuery query{.limit = limit};
    const auto filter = ParseFilter(filter_text);
    if (!filter.ok()) return filter.status();
    auto condition = CompileFilter(listed, *filter);
    if (!condition.ok()) return condition.status();
    query.filter = *std::move(condition);
    const auto order = ParseOrder(order_text);
    if (!order.ok()) return order.status();
    auto terms = CompileOrder(listed, *order);
    if (!terms.ok()) return terms.status();
    query.order = *std::move(terms);
    return query;
  }

  // Returns the names of the listed experiments, read in pages of `page`.
  std::string Experiments(const std::string& filter, const std::string& order = "",
                          int page = 100) {
    return Pages(Listed::kExperiments, filter, order, page, [&](const ListQuery& query) {
      std::vector<std::pair<std::string, std::vector<Value>>> rows;
      for (const ListedExperiment& row :
           Read([&](Connection& db) { return ListExperiments(db, query, false); })) {
        rows.emplace_back(row.experiment.name(), row.place);
      }
      return rows;
    });
  }
  std::string Runs(const std::string& filter, const std::string& order = "", int page = 100) {
    return Pages(Listed::kRuns, filter, order, page, [&](const ListQuery& query) {
      std::vector<std::pair<std::string, std::vector<Value>>> rows;
      for (const ListedRun& row :
           Read([&](Connection& db) { return ListRuns(db, {.list = query}); })) {
        rows.emplace_back(row.run.name(), row.place);
      }
      return rows;
    });
  }

  template <typename List>
  std::string Pages(Listed listed, const std::string& filter, const std::string& order, int page,
                    List list) {
    auto query = Query(listed, filter, order, page);
    if (!query.ok()) return query.status().ToString();
    std::vector<std::string> names;
    while (true) {
      const auto rows = list(*query);
      for (const auto& [name, place] : rows) names.push_back(ShortenName(name));
      if (static_cast<int>(rows.size()) < page) break;
      if (names.size() > 100) return "rows come again";
      query->after = rows.back().second;
    }
    return absl::StrJoin(names, " ");
  }

  static absl::Status Refused(Listed listed, const std::string& filter,
                              const std::string& order = "") {
    return Query(listed, filter, order, 1).status();
  }

  int added_ = 0;
};

TEST_F(ListQueryTest, MetricsOfRunsMatchTheRecordedOnes) {
  const auto differing = [this] {
    return QueryInt(
        "SELECT count(*) FROM runs r LEFT JOIN epochs m ON m.run_id = r.run_id AND m.epoch ="
        " r.epochs_done LEFT JOIN test_results l ON l.run_id = r.run_id AND l.weights = 'LAST'"
        " LEFT JOIN test_results b ON b.run_id = r.run_id AND b.weights = 'BEST' WHERE"
        " r.train_loss IS NOT m.train_loss OR r.train_accuracy IS NOT m.train_accuracy OR"
        " r.validation_loss IS NOT m.validation_loss OR"
        " r.validation_accuracy IS NOT m.validation_accuracy OR r.test_loss IS NOT l.loss OR"
        " r.test_accuracy IS NOT l.accuracy OR r.best_test_loss IS NOT b.loss OR"
        " r.best_test_accuracy IS NOT b.accuracy");
  };
  EXPECT_EQ(QueryInt("SELECT count(test_accuracy) FROM runs"), 3);
  EXPECT_EQ(QueryInt("SELECT count(validation_loss) FROM runs"), 3);
  EXPECT_EQ(differing(), 0);
  const absl::Status extended = Write([this](Transaction& transaction) {
    return ExtendRun(transaction, RunKeyOf("first", 0), v1::TrainingConfig());
  });
  ASSERT_TRUE(extended.ok()) << extended;
  EXPECT_EQ(QueryInt("SELECT count(test_accuracy) FROM runs"), 2);
  EXPECT_EQ(QueryInt("SELECT count(validation_loss) FROM runs"), 3);
  EXPECT_EQ(differing(), 0);
}

TEST_F(ListQueryTest, MetricsOfWhichRunsHoldCopiesAreReadFromThere) {
  const auto columns = Read([](Connection& db) -> absl::StatusOr<std::vector<std::string>> {
    std::vector<std::string> names;
    Statement query = db.Prepare("SELECT name FROM pragma_table_info('runs')");
    while (query.Next()) names.push_back(query.Text(0));
    return names;
  });
  std::vector<std::string> names = RunMetricNames();
  for (const Metric& metric : ExtremeMetrics()) names.push_back(metric.name);
  int copies = 0;
  for (const std::string& name : names) {
    const auto field = FindListField(Listed::kRuns, "filter", name);
    if (!field.ok()) continue;
    const std::string column = absl::StrReplaceAll(name, {{".", "_"}});
    const bool has_copy = std::find(columns.begin(), columns.end(), column) != columns.end();
    EXPECT_EQ(field->sql == "r." + column, has_copy) << name << ": " << field->sql;
    if (has_copy) ++copies;
  }
  EXPECT_EQ(copies, 13);
}

TEST_F(ListQueryTest, ExperimentsByTheirOwnFields) {
  EXPECT_EQ(Experiments(""), "lr-x third second first");
  EXPECT_EQ(Experiments("state = SUCCEEDED"), "first");
  EXPECT_EQ(Experiments("state = failed OR state = PENDING"), "lr-x third second");
  EXPECT_EQ(Experiments("state != PENDING"), "second first");
  EXPECT_EQ(Experiments("user = ada"), "second first");
  EXPECT_EQ(Experiments("preset = annealed AND NOT user = ada"), "third");
  EXPECT_EQ(Experiments("id = lr-* OR id = *st"), "lr-x first");
  EXPECT_EQ(Experiments("id != *r*"), "second");
  EXPECT_EQ(Experiments("priority >= 2"), "lr-x third");
  EXPECT_EQ(Experiments("run_counts.failed > 0"), "second");
  EXPECT_EQ(Experiments("run_counts.total = 2 run_counts.pending = 1"), "third");
  EXPECT_EQ(Experiments("note : \"NOTE ON S\""), "second");
  EXPECT_EQ(Experiments("note : \"100%\" note : \"_\""), "");
  EXPECT_EQ(Experiments("create_time > 2023-11-16T00:00:00Z"), "lr-x third");
  EXPECT_EQ(Experiments("create_time < 2023-11-15"), "first");
  EXPECT_EQ(Experiments("preset = \"\""), "lr-x");
}

TEST_F(ListQueryTest, ExperimentsByLabels) {
  EXPECT_EQ(Experiments("labels.team = vision"), "second first");
  EXPECT_EQ(Experiments("labels.team != vision"), "lr-x third");
  EXPECT_EQ(Experiments("labels.team : TEX"), "lr-x third");
  EXPECT_EQ(Experiments("labels.only.first:*"), "first");
  EXPECT_EQ(Experiments("labels:only.second"), "second");
  EXPECT_EQ(Experiments("labels.only.first != x"), "lr-x third second first")
      << "what is not there equals nothing";
}

TEST_F(ListQueryTest, ExperimentsByFieldsOfTheirRuns) {
  EXPECT_EQ(Experiments("optimizer.learning_rate >= 0.01"), "lr-x third second");
  EXPECT_EQ(Experiments("theta.policy = fixed"), "lr-x second");
  EXPECT_EQ(Experiments("theta.policy != FIXED"), "third first");
  EXPECT_EQ(Experiments("network.layers.0.conv.filters = 8"), "first");
  EXPECT_EQ(Experiments("network.batch_norm = true"), "third");
  EXPECT_EQ(Experiments("theta.hold > 9 theta.hold < 11"), "lr-x third second first");
  EXPECT_EQ(Experiments("test_accuracy > 0.85"), "third first");
  EXPECT_EQ(Experiments("validation_loss < 0.6"), "first");
  EXPECT_EQ(Experiments("NOT test_accuracy > 0.85"), "lr-x second");
  EXPECT_EQ(Experiments("failure.reason = DIVERGED"), "second");
}

TEST_F(ListQueryTest, RunsOfAllExperiments) {
  EXPECT_EQ(Runs(""), "first/0 first/1 second/0 second/1 third/0 third/1 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("state = SUCCEEDED"), "first/0 first/1 third/1");
  EXPECT_EQ(Runs("experiment = third AND run = 1"), "third/1");
  EXPECT_EQ(Runs("test_accuracy >= 0.9"), "first/0 third/1");
  EXPECT_EQ(Runs("test_accuracy:* AND theta.policy = SCHEDULED"), "first/0 first/1 third/1");
  EXPECT_EQ(Runs("NOT test_accuracy:* AND user = ada"), "second/0 second/1");
  EXPECT_EQ(Runs("failure.reason != DIVERGED state != SUCCEEDED"),
            "second/1 third/0 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("labels.team = text AND seed = 1"), "third/1 lr-x/1");
  EXPECT_EQ(Runs("end_time:* attempts = 0"), "second/1");
}

TEST_F(ListQueryTest, RunsByMetricsOfOtherEpochsThanTheLast) {
  EXPECT_EQ(Runs("last.validation_loss <= 0.5"), "first/0 first/1");
  EXPECT_EQ(Runs("min.validation_loss <= 0.25"), "first/0 first/1");
  EXPECT_EQ(Runs("max.validation_loss < 0.5"), "first/1");
  EXPECT_EQ(Runs("best.validation_loss < 0.45"), "first/1") << "epoch 1 is not eligible";
  EXPECT_EQ(Runs("min.validation_accuracy >= 0.4"), "first/0 third/1");
  EXPECT_EQ(Runs("best.validation_f1 > 0.85"), "first/0 third/1");
  EXPECT_EQ(Runs("", "best.validation_accuracy desc"),
            "third/1 first/0 first/1 second/0 second/1 third/0 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("", "min.validation_f1"), Runs("", "min.validation_f1 desc"))
      << "all runs have the same in epoch 1";
  EXPECT_EQ(Runs("", "best.validation_f1, run"),
            "first/1 first/0 third/1 second/0 third/0 lr-x/0 second/1 lr-x/1");
  EXPECT_EQ(Experiments("best.validation_accuracy > 0.66"), "third");
  EXPECT_EQ(Experiments("min.train_loss:*"), "third first");
}

TEST_F(ListQueryTest, RunsByWhatIsTheirOwn) {
  const auto annotate = [this](const std::string& id, int64_t ordinal,
                               const std::map<std::string, std::string>& labels,
                               const std::string& note) {
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return UpdateRunAnnotations(transaction, RunKeyOf(id, ordinal),
                                              {labels.begin(), labels.end()}, note);
                }).ok());
  };
  annotate("first", 1, {{"team", "text"}, {"figure", "3"}}, "Odd curve");
  annotate("lr-x", 0, {{"team", ""}}, "");
  // A run's own label precedes that of its experiment.
  EXPECT_EQ(Runs("labels.team = vision"), "first/0 second/0 second/1");
  EXPECT_EQ(Runs("labels.team = text"), "first/1 third/0 third/1 lr-x/1");
  EXPECT_EQ(Runs("labels.team = \"\""), "lr-x/0");
  EXPECT_EQ(Runs("labels.team != vision"), "first/1 third/0 third/1 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("labels.figure:*"), "first/1");
  EXPECT_EQ(Runs("labels:figure"), "first/1");
  EXPECT_EQ(Runs("labels:only.first"), "first/0 first/1");
  EXPECT_EQ(Runs("labels.team : TEX AND NOT labels.figure = 3"), "third/0 third/1 lr-x/1");
  EXPECT_EQ(Experiments("labels.team = text"), "lr-x third") << "those of runs are theirs";
  EXPECT_EQ(Experiments("labels:figure"), "");
  EXPECT_EQ(Runs("note : ODD"), "first/1");
  EXPECT_EQ(Runs("note = \"\" AND user = ada"), "first/0 second/0 second/1");
  EXPECT_EQ(Runs("collapsed = true"), "third/1");
  EXPECT_EQ(Runs("collapsed = false AND state = SUCCEEDED"), "first/0 first/1");
  EXPECT_EQ(Runs("test_relu_accuracy < 0.42"), "first/1");
}

TEST_F(ListQueryTest, ExperimentsByTheNumberOfTheirDivergedRuns) {
  EXPECT_EQ(Experiments("run_counts.diverged = 1"), "second");
  EXPECT_EQ(Experiments("run_counts.total = 2"), "lr-x third second first")
      << "they are part of the failed ones";
}

TEST_F(ListQueryTest, TestMetricsThatAListNamesAreFound) {
  const auto named = [](const std::string& filter, const std::string& order) {
    return TestMetricsIn(*ParseFilter(filter), *ParseOrder(order));
  };
  EXPECT_EQ(named("state = FAILED AND best.validation_accuracy > 0.5", "validation_loss"),
            std::vector<std::string>());
  EXPECT_EQ(named("NOT (seed = 1 OR test_loss < 1) test_accuracy:*", ""),
            (std::vector<std::string>{"test_loss", "test_accuracy"}));
  EXPECT_EQ(named("test_accuracy > 0.5", "best_test_relu_f1 desc, test_accuracy"),
            (std::vector<std::string>{"test_accuracy", "best_test_relu_f1"}));
  EXPECT_EQ(named("labels.test_accuracy = 1 AND note = test_accuracy", "evaluation.test"),
            std::vector<std::string>());
}

TEST_F(ListQueryTest, OrdersPutMissingValuesLastAndAreStable) {
  EXPECT_EQ(Experiments("", "priority"), "first second third lr-x");
  EXPECT_EQ(Experiments("", "user desc, id"), "lr-x third first second");
  EXPECT_EQ(Experiments("", "user"), "second first lr-x third");
  EXPECT_EQ(Runs("", "test_accuracy desc"),
            "third/1 first/0 first/1 second/0 second/1 third/0 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("", "test_accuracy"),
            "first/1 first/0 third/1 second/0 second/1 third/0 lr-x/0 lr-x/1");
  EXPECT_EQ(Runs("", "optimizer.learning_rate desc, run desc"),
            "third/1 lr-x/1 third/0 lr-x/0 second/1 second/0 first/1 first/0");
}

TEST_F(ListQueryTest, PagesOfAnySizeMakeTheSameList) {
  for (const std::string order : {"", "user", "user desc, id", "delete_time, priority desc"}) {
    for (const int page : {1, 2, 3}) {
      EXPECT_EQ(Experiments("", order, page), Experiments("", order)) << order;
    }
  }
  for (const std::string order :
       {"", "test_accuracy desc", "test_accuracy", "validation_loss, seed desc",
        "failure.reason, state", "optimizer.learning_rate desc", "create_time desc",
        "best.validation_accuracy", "min.validation_f1 desc, seed", "collapsed desc, note"}) {
    for (const int page : {1, 2, 3, 7}) {
      EXPECT_EQ(Runs("", order, page), Runs("", order)) << order;
    }
  }
}

TEST_F(ListQueryTest, InvalidFiltersAndOrdersAreRejectedWithSuggestions) {
  const auto expect = [](const absl::Status& status, const std::string& field,
                         const std::string& says) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(ViolationsOf(status).count(field), 1U) << status;
    EXPECT_TRUE(Mentions(status.message(), {says})) << status;
  };
  constexpr Listed kExperiments = Listed::kExperiments;
  constexpr Listed kRuns = Listed::kRuns;
  expect(Refused(kExperiments, "stat = FAILED"), "filter", "state");
  expect(Refused(kRuns, "optimizer.learning_rat > 1"), "filter", "optimizer.learning_rate");
  expect(Refused(kRuns, "test_acuracy > 1"), "filter", "test_accuracy");
  expect(Refused(kRuns, "state = DONE"), "filter", "SUCCEEDED");
  expect(Refused(kRuns, "state > FAILED"), "filter", "no order");
  expect(Refused(kRuns, "epochs_done < epochs_total"), "filter", "a number");
  expect(Refused(kRuns, "seed = one"), "filter", "a number");
  expect(Refused(kRuns, "seed = nan"), "filter", "a number");
  expect(Refused(kRuns, "create_time > yesterday"), "filter", "2026-11-23T10:00:00Z");
  expect(Refused(kRuns, "network.batch_norm = maybe"), "filter", "true or false");
  expect(Refused(kRuns, "network.layers = 1"), "filter", "does not have");
  expect(Refused(kRuns, "log_loss_area < 1"), "filter", "does not have");
  expect(Refused(kRuns, "mean.validation_loss < 1"), "filter", "does not have");
  expect(Refused(kRuns, "best.penalty < 1"), "filter", "does not have");
  expect(Refused(kRuns, "best_validation_accuracy < 1"), "filter", "best.validation_accuracy");
  expect(Refused(kRuns, "collapsed > false"), "filter", "no order");
  expect(Refused(kRuns, "", "mean.validation_loss"), "order_by", "does not have");
  expect(Refused(kRuns, "", "sed"), "order_by", "seed");
  expect(Refused(kExperiments, "", "test_accuracy"), "order_by", "list runs instead");
  expect(Refused(kExperiments, "", "labels.team"), "order_by", "cannot be ordered");
}

// User input reaches the database only as a bound value.
TEST_F(ListQueryTest, TextIsAlwaysABoundValue) {
  for (const std::string text : {"' OR 1=1 --", "$", "?", "a[b]?*c", "%_\\", "\"; DROP TABLE x;"}) {
    std::string quoted;
    for (const char c : text) {
      if (c == '"' || c == '\\') quoted.push_back('\\');
      quoted.push_back(c);
    }
    for (const std::string field : {"id", "labels.team", "note", "preset", "dataset.name"}) {
      for (const std::string sign : {"=", ":", "<"}) {
        const std::string filter = absl::StrCat(field, sign, "\"", quoted, "\" AND user = nobody");
        EXPECT_EQ(Experiments(filter), "") << filter;
        if (field != "id") {
          EXPECT_EQ(Runs(filter), "") << filter;
        }
      }
    }
  }
}

}  // namespace
}  // namespace anneal::store
