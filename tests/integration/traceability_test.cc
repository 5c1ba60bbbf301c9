// What makes a number traceable over the API: looks at test results, splits, provenance,
// extensions, and the notes, labels and locks that people add.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class TraceabilityTest : public DaemonTest {
 protected:
  v1::CompareExperimentsResponse Compare(const std::string& rest) {
    auto request = FromText<v1::CompareExperimentsRequest>(rest);
    request.add_names("experiments/e");
    Context context;
    v1::CompareExperimentsResponse response;
    const grpc::Status status = experiments_->CompareExperiments(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  void ListSortedBy(const std::string& order) {
    v1::ListRunsRequest request;
    request.set_parent("experiments/-");
    request.set_order_by(order);
    v1::ListRunsResponse response;
    const grpc::Status status = TryListRuns(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }
  std::vector<std::string> Looks() {
    std::vector<std::string> looks;
    for (const v1::Event& event : WaitForEnd("experiments/e")) {
      if (!event.has_look()) continue;
      looks.push_back(v1::Look::Kind_Name(event.look().kind()) + " " + event.look().metric());
    }
    return looks;
  }
  grpc::Status TrySplit(const v1::ListSplitImagesRequest& request,
                        v1::ListSplitImagesResponse* response) {
    Context context;
    return runs_->ListSplitImages(&context, request, response);
  }
  std::vector<int32_t> Split(const std::string& rest) {
    auto request = FromText<v1::ListSplitImagesRequest>(rest);
    request.set_parent("experiments/e/runs/0");
    std::vector<int32_t> images;
    do {
      v1::ListSplitImagesResponse response;
      const grpc::Status status = TrySplit(request, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      images.insert(images.end(), response.images().begin(), response.images().end());
      request.set_page_token(response.next_page_token());
      if (request.page_token().empty()) {
        EXPECT_EQ(response.total_size(), static_cast<int>(images.size()));
      }
    } while (!request.page_token().empty());
    return images;
  }
};

TEST_F(TraceabilityTest, EveryKindOfLookAtTestResultsIsLoggedOnce) {
  RunToEnd(TinyRequest("e", 1));
  EXPECT_EQ(Compare("").looks(), 0) << "validation metrics are no look";
  ListSortedBy("validation_loss");
  EXPECT_EQ(Get("experiments/e").looks(), 0);
  EXPECT_EQ(Compare("metric: 'test_accuracy'").looks(), 1);
  EXPECT_EQ(Compare("metric: 'test_accuracy'").looks(), 1) << "again within the hour";
  EXPECT_EQ(Compare("metric: 'test_accuracy' look: KIND_REPORT").looks(), 2);
  EXPECT_EQ(Compare("run_metrics: 'best_test_loss' look: KIND_PLOT").looks(), 3);
  EXPECT_EQ(Compare("confusion: WEIGHTS_LAST").looks(), 4);
  ListSortedBy("test_accuracy desc");
  v1::ListExperimentsRequest list;
  list.set_filter("test_loss < 100");
  v1::ListExperimentsResponse listed;
  ASSERT_TRUE(TryList(list, &listed).ok());
  EXPECT_EQ(Get("experiments/e").looks(), 6);
  EXPECT_THAT(Looks(), ElementsAre("KIND_COMPARE test_accuracy", "KIND_REPORT test_accuracy",
                                   "KIND_PLOT best_test_loss", "KIND_COMPARE confusion",
                                   "KIND_LIST test_accuracy", "KIND_LIST test_loss"));
}

TEST_F(TraceabilityTest, SplitCanBeHadFromTheOutside) {
  RunToEnd(TinyRequest("e", 2));
  const std::vector<int32_t> train = Split("part: PART_TRAIN");
  const std::vector<int32_t> validation = Split("part: PART_VALIDATION page_size: 7");
  const std::vector<int32_t> first = Split("part: PART_EPOCH epoch: 1");
  const std::vector<int32_t> second = Split("part: PART_EPOCH epoch: 2");
  std::set<int32_t> all(train.begin(), train.end());
  all.insert(validation.begin(), validation.end());
  EXPECT_THAT(all, SizeIs(train.size() + validation.size())) << "the two are disjoint";
  EXPECT_TRUE(std::is_permutation(first.begin(), first.end(), train.begin(), train.end()));
  EXPECT_TRUE(std::is_permutation(second.begin(), second.end(), train.begin(), train.end()));
  EXPECT_NE(first, second);
  const v1::SplitSummary split = GetRun("experiments/e/runs/0").split();
  int64_t images = 0;
  for (const int64_t count : split.validation()) images += count;
  EXPECT_EQ(images, static_cast<int64_t>(validation.size()));
}

TEST_F(TraceabilityTest, SplitRequestsAreChecked) {
  RunToEnd(TinyRequest("e", 2));
  v1::ListSplitImagesResponse response;
  const auto error = [&](const std::string& text) {
    auto request = FromText<v1::ListSplitImagesRequest>(text);
    if (request.parent().empty()) request.set_parent("experiments/e/runs/0");
    return TrySplit(request, &response);
  };
  EXPECT_THAT(error("").error_message(), HasSubstr("part is unset"));
  EXPECT_THAT(error("part: PART_EPOCH").error_message(), HasSubstr("epoch is 0; the run's"));
  EXPECT_THAT(error("part: PART_EPOCH epoch: 3").error_message(), HasSubstr("1..2"));
  EXPECT_EQ(error("part: PART_TRAIN page_size: -1").error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(error("part: PART_TRAIN parent: 'experiments/e/runs/9'").error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(TraceabilityTest, EveryAttemptSaysWhatTrained) {
  RunToEnd(TinyRequest("e", 1));
  const v1::Run run = GetRun("experiments/e/runs/0");
  ASSERT_THAT(run.attempt_log(), SizeIs(1));
  EXPECT_EQ(run.attempt_log(0).number(), 1);
  EXPECT_FALSE(run.attempt_log(0).provenance().simd_target().empty());
  EXPECT_THAT(run.weights_sha256(), SizeIs(64));
  EXPECT_THAT(run.best_weights_sha256(), SizeIs(64));
  EXPECT_THAT(ListRuns("experiments/e")[0].attempt_log(), SizeIs(0)) << "basic views are small";
}

TEST_F(TraceabilityTest, ExtendedRunKeepsItsEarlierTestResults) {
  RunToEnd(TinyRequest("e", 2));
  const v1::Run before = GetRun("experiments/e/runs/0");
  ASSERT_THAT(before.test_results(), SizeIs(2));
  Context context;
  v1::ExtendRunRequest extend;
  extend.set_name("experiments/e/runs/0");
  extend.set_epochs(4);
  v1::Run extended;
  ASSERT_TRUE(runs_->ExtendRun(&context, extend, &extended).ok());
  WaitForEnd("experiments/e");
  const v1::Run after = GetRun("experiments/e/runs/0");
  EXPECT_THAT(after.extended_from(), ElementsAre(2));
  ASSERT_THAT(after.test_results(), SizeIs(2));
  EXPECT_EQ(after.test_results(0).run_epochs(), 4);
  ASSERT_THAT(after.earlier_test_results(), SizeIs(2));
  EXPECT_TRUE(Same(after.earlier_test_results(0), before.test_results(0)));
  EXPECT_NE(after.weights_sha256(), before.weights_sha256());
}

TEST_F(TraceabilityTest, WithoutATestTheDigestsAreStillRecorded) {
  v1::CreateExperimentRequest request = TinyRequest("e", 1);
  request.mutable_experiment()->mutable_config()->mutable_evaluation()->set_test(false);
  EXPECT_EQ(RunToEnd(request).state(), v1::RUN_STATE_SUCCEEDED);
  const v1::Run run = GetRun("experiments/e/runs/0");
  EXPECT_THAT(run.test_results(), SizeIs(0));
  EXPECT_THAT(run.weights_sha256(), SizeIs(64));
}

TEST_F(TraceabilityTest, RunsReturnTheNamedMetricsWithTheirEpochs) {
  RunToEnd(TinyRequest("e", 3));
  const std::vector<v1::Epoch> epochs = ListEpochs("experiments/e/runs/0");
  v1::ListRunsRequest request;
  request.set_parent("experiments/e");
  for (const char* name : {"min.validation_loss", "best.validation_accuracy", "last.train_loss"}) {
    request.add_metrics(name);
  }
  request.set_filter("min.validation_loss < 100");
  request.set_order_by("best.validation_accuracy desc");
  v1::ListRunsResponse response;
  ASSERT_TRUE(TryListRuns(request, &response).ok());
  ASSERT_THAT(response.runs(), SizeIs(1));
  const auto& metrics = response.runs(0).metrics();
  const auto lowest =
      std::min_element(epochs.begin(), epochs.end(), [](const v1::Epoch& a, const v1::Epoch& b) {
        return a.validation_loss() < b.validation_loss();
      });
  EXPECT_EQ(metrics.at("min.validation_loss").value(), lowest->validation_loss());
  EXPECT_EQ(metrics.at("min.validation_loss").epoch(), lowest->epoch());
  EXPECT_EQ(metrics.at("train_loss").value(), epochs.back().train_loss());
  EXPECT_EQ(metrics.at("train_loss").epoch(), 3);
  request.add_metrics("log_loss_area");
  request.add_metrics("mean.train_loss");
  request.add_metrics("train_los");
  const grpc::Status refused = TryListRuns(request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("log_loss_area"));
  EXPECT_THAT(refused.error_message(), HasSubstr("mean.train_loss"));
  EXPECT_THAT(refused.error_message(), HasSubstr("train_los\""));
}

TEST_F(TraceabilityTest, RunsHaveNotesAndLabelsOfTheirOwn) {
  v1::CreateExperimentRequest create = TinyRequest("e", 1);
  for (const int64_t seed : {1, 2}) create.mutable_experiment()->add_seeds(seed);
  RunToEnd(create);
  auto request = FromText<v1::UpdateRunRequest>(
      "run { name: 'experiments/e/runs/1' note: 'odd one' labels { key: 'kind' value: 'odd' } }");
  Context context;
  v1::Run run;
  ASSERT_TRUE(runs_->UpdateRun(&context, request, &run).ok());
  EXPECT_EQ(run.note(), "odd one");
  EXPECT_EQ(run.labels().at("kind"), "odd");
  EXPECT_EQ(GetRun("experiments/e/runs/0").note(), "");
  v1::ListRunsRequest list;
  list.set_parent("experiments/-");
  list.set_filter("labels.kind = odd AND note : \"odd\"");
  v1::ListRunsResponse listed;
  ASSERT_TRUE(TryListRuns(list, &listed).ok());
  ASSERT_THAT(listed.runs(), SizeIs(1));
  EXPECT_EQ(listed.runs(0).name(), "experiments/e/runs/1");
  request.mutable_update_mask()->add_paths("seed");
  Context again;
  const grpc::Status refused = runs_->UpdateRun(&again, request, &run);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("allowed are labels, note"));
}

TEST_F(TraceabilityTest, LockedExperimentCannotBeDeleted) {
  RunToEnd(TinyRequest("e", 1));
  auto lock = FromText<v1::UpdateExperimentRequest>(
      "experiment { name: 'experiments/e' locked: true } update_mask { paths: 'locked' }");
  v1::Experiment experiment;
  {
    Context context;
    ASSERT_TRUE(experiments_->UpdateExperiment(&context, lock, &experiment).ok());
  }
  EXPECT_TRUE(experiment.locked());
  v1::DeleteExperimentRequest remove;
  remove.set_name("experiments/e");
  for (const bool force : {false, true}) {
    remove.set_force(force);
    Context context;
    const grpc::Status refused = experiments_->DeleteExperiment(&context, remove, &experiment);
    EXPECT_EQ(ReasonOf(refused), "EXPERIMENT_LOCKED");
    EXPECT_THAT(refused.error_message(), HasSubstr("--unlock"));
  }
  lock.mutable_experiment()->set_locked(false);
  {
    Context context;
    ASSERT_TRUE(experiments_->UpdateExperiment(&context, lock, &experiment).ok());
  }
  Context context;
  EXPECT_TRUE(experiments_->DeleteExperiment(&context, remove, &experiment).ok());
}

}  // namespace
}  // namespace anneal
