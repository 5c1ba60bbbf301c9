// Tests the records of runs: epochs, thetas, test results, and bit-identical results whatever runs
// beside them.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A trainable theta for every neuron: many thetas that move.
v1::CreateExperimentRequest NeuronRequest(const std::string& id, int epochs) {
  v1::CreateExperimentRequest request = TinyRequest(id, epochs);
  request.mutable_experiment()->mutable_config()->MergeFrom(FromText<v1::TrainingConfig>(
      "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON"
      " learning_rate: 0.01 }"));
  return request;
}

class RunTest : public DaemonTest {};

TEST_F(RunTest, RunSucceedsAndRecordsEveryEpoch) {
  const v1::Experiment experiment = RunToEnd(TinyRequest("e", 3));
  EXPECT_EQ(experiment.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(experiment.run_counts().succeeded(), 1);
  const std::vector<v1::Epoch> epochs = ListEpochs("experiments/e/runs/0");
  ASSERT_THAT(epochs, SizeIs(3));
  double elapsed = 0;
  for (size_t i = 0; i < epochs.size(); ++i) {
    const v1::Epoch& epoch = epochs[i];
    EXPECT_EQ(epoch.epoch(), static_cast<int>(i) + 1);
    EXPECT_EQ(epoch.step(), 9 * (static_cast<int64_t>(i) + 1)) << "270 images in batches of 32";
    EXPECT_EQ(epoch.learning_rate(), 0.001);
    EXPECT_GT(epoch.train_loss(), 0);
    EXPECT_GT(epoch.validation_loss(), 0);
    EXPECT_GE(epoch.validation_accuracy(), 0);
    EXPECT_LE(epoch.validation_accuracy(), 1);
    EXPECT_EQ(epoch.penalty(), 0);
    EXPECT_EQ(epoch.theta().count(), 1);
    EXPECT_EQ(epoch.theta().mean(), 0) << "a ReLU network by default";
    EXPECT_EQ(epoch.validation_relu_loss(), epoch.validation_loss()) << "it is one already";
    ASSERT_EQ(epoch.layers_size(), 2);
    EXPECT_GT(epoch.layers(0).gradient_norm(), 0);
    EXPECT_FALSE(epoch.has_convexity_violations());
    elapsed += epoch.epoch_seconds();
    EXPECT_NEAR(epoch.elapsed_seconds(), elapsed, 1e-9);
    EXPECT_GT(epoch.samples_per_second(), 0);
  }
}

TEST_F(RunTest, FinishedRunShowsItsEndAndItsTestResults) {
  RunToEnd(TinyRequest("e", 3));
  const v1::Run run = GetRun("experiments/e/runs/0");
  EXPECT_EQ(run.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(run.attempts(), 1);
  EXPECT_EQ(run.epochs_done(), 3);
  EXPECT_EQ(run.epochs_total(), 3);
  EXPECT_TRUE(run.has_start_time());
  EXPECT_TRUE(run.has_end_time());
  EXPECT_FALSE(run.has_failure());
  EXPECT_FALSE(run.has_queue_position());
  EXPECT_NE(run.engine(), "");
  EXPECT_THAT(run.dataset_sha256(), SizeIs(64));
  EXPECT_TRUE(Same(run.last_epoch(), ListEpochs(run.name()).back()));
  EXPECT_EQ(run.network().parameter_count(), 444);
  EXPECT_EQ(run.config().optimizer().beta1(), 0.9) << "defaults are filled in";
  EXPECT_EQ(run.config().epochs(), 3);

  ASSERT_EQ(run.test_results_size(), 2);
  EXPECT_EQ(run.test_results(0).weights(), v1::TestResult::WEIGHTS_LAST);
  EXPECT_EQ(run.test_results(0).epoch(), 3);
  EXPECT_EQ(run.test_results(1).weights(), v1::TestResult::WEIGHTS_BEST);
  for (const v1::TestResult& result : run.test_results()) {
    ASSERT_EQ(result.confusion_size(), 16);
    int64_t images = 0;
    int64_t right = 0;
    for (int i = 0; i < 16; ++i) {
      images += result.confusion(i);
      if (i % 5 == 0) right += result.confusion(i);
    }
    EXPECT_EQ(images, 100);
    EXPECT_DOUBLE_EQ(result.accuracy(), static_cast<double>(right) / 100);
    ASSERT_EQ(result.classes_size(), 4);
    for (const v1::ClassMetrics& metrics : result.classes()) EXPECT_EQ(metrics.support(), 25);
  }
  // Best: highest validation accuracy, the lower loss deciding ties.
  std::vector<v1::Epoch> epochs = ListEpochs(run.name());
  const auto best =
      std::max_element(epochs.begin(), epochs.end(), [](const auto& a, const auto& b) {
        return std::pair(a.validation_accuracy(), -a.validation_loss()) <
               std::pair(b.validation_accuracy(), -b.validation_loss());
      });
  EXPECT_EQ(run.test_results(1).epoch(), best->epoch());

  const v1::Run basic = GetRun(run.name(), v1::RUN_VIEW_BASIC);
  EXPECT_FALSE(basic.has_config());
  EXPECT_FALSE(basic.has_network());
  ASSERT_EQ(basic.test_results_size(), 2);
  EXPECT_EQ(basic.test_results(0).confusion_size(), 0);
  EXPECT_EQ(basic.test_results(0).classes_size(), 0);
  EXPECT_TRUE(Same(ListRuns("experiments/e")[0], basic)) << "lists are basic";
  EXPECT_TRUE(Same(ListRuns("experiments/e", v1::RUN_VIEW_FULL)[0], run));
}

TEST_F(RunTest, AnnealedRunEndsAtReluExactly) {
  v1::CreateExperimentRequest request = TinyRequest("e", 4);
  request.mutable_experiment()->mutable_config()->mutable_theta()->set_policy(
      v1::THETA_POLICY_SCHEDULED);
  RunToEnd(request);
  const std::vector<v1::Epoch> epochs = ListEpochs("experiments/e/runs/0");
  ASSERT_THAT(epochs, SizeIs(4));
  EXPECT_NEAR(epochs[0].theta().mean(), 0.78539816339744830962, 1e-7);
  EXPECT_GT(epochs[1].theta().mean(), epochs[2].theta().mean());
  EXPECT_EQ(epochs[3].theta().mean(), 0);
  EXPECT_NE(epochs[0].validation_loss(), epochs[0].validation_relu_loss());
  EXPECT_EQ(epochs[3].validation_loss(), epochs[3].validation_relu_loss());
}

TEST_F(RunTest, SweepRunsEveryCellWithEverySeedTheSeedVaryingFastest) {
  v1::CreateExperimentRequest request = TinyRequest("e", 1);
  v1::SweepAxis* rate = request.mutable_experiment()->add_axes();
  rate->set_field("optimizer.learning_rate");
  rate->add_values("0.01");
  rate->add_values("1e-3");
  v1::SweepAxis* batch = request.mutable_experiment()->add_axes();
  batch->set_field("batch_size");
  batch->add_values("64");
  batch->add_values("16");
  request.mutable_experiment()->add_seeds(9);
  request.mutable_experiment()->add_seeds(-4);
  EXPECT_EQ(Create(request).run_counts().total(), 8);
  WaitForEnd("experiments/e");
  const std::vector<v1::Run> runs = ListRuns("experiments/e", v1::RUN_VIEW_FULL);
  ASSERT_THAT(runs, SizeIs(8));
  const std::string rates[] = {"0.01", "1e-3"};
  const std::string batches[] = {"64", "16"};
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(runs[i].name(), absl::StrCat("experiments/e/runs/", i));
    EXPECT_EQ(runs[i].state(), v1::RUN_STATE_SUCCEEDED);
    EXPECT_EQ(runs[i].seed(), i % 2 == 0 ? 9 : -4);
    EXPECT_THAT(runs[i].parameters(), SizeIs(2));
    EXPECT_EQ(runs[i].parameters().at("optimizer.learning_rate"), rates[i / 4]);
    EXPECT_EQ(runs[i].parameters().at("batch_size"), batches[i / 2 % 2]);
    EXPECT_EQ(runs[i].config().optimizer().learning_rate(), i < 4 ? 0.01 : 0.001);
    EXPECT_EQ(runs[i].config().batch_size(), i / 2 % 2 == 0 ? 64 : 16);
    EXPECT_EQ(runs[i].last_epoch().step(), i / 2 % 2 == 0 ? 5 : 17);
  }
}

TEST_F(RunTest, ThetasAreListedByEpochAndLayer) {
  v1::CreateExperimentRequest request = NeuronRequest("e", 3);
  *request.mutable_experiment()->mutable_config()->mutable_network()->add_layers() =
      FromText<v1::HiddenLayer>("dense { units: 6 }");
  RunToEnd(request);
  v1::ListThetasRequest list;
  list.set_parent("experiments/e/runs/0");
  const std::vector<v1::ThetaVector> all = ListThetas(list);
  ASSERT_THAT(all, SizeIs(6));
  const std::vector<v1::Epoch> epochs = ListEpochs("experiments/e/runs/0");
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].epoch(), static_cast<int>(i / 2) + 1);
    EXPECT_EQ(all[i].layer(), static_cast<int>(i % 2));
    if (i % 2 == 0) {
      EXPECT_THAT(all[i].shape(), ElementsAre(4, 5, 5));
    } else {
      EXPECT_THAT(all[i].shape(), ElementsAre(6));
    }
    EXPECT_EQ(all[i].values_size(), i % 2 == 0 ? 100 : 6);
    const v1::Epoch& epoch = epochs[i / 2];
    EXPECT_EQ(epoch.theta().count(), 106);
    for (const float value : all[i].values()) {
      EXPECT_GE(value, 0);
      EXPECT_LE(value, 0.7853982F);
      EXPECT_GE(value, epoch.theta().min() - 1e-7);
      EXPECT_LE(value, epoch.theta().max() + 1e-7);
    }
  }
  list.set_epoch(2);
  ASSERT_THAT(ListThetas(list), SizeIs(2));
  EXPECT_TRUE(Same(ListThetas(list)[1], all[3]));
  list.set_layer(0);
  ASSERT_THAT(ListThetas(list), SizeIs(1));
  EXPECT_TRUE(Same(ListThetas(list)[0], all[2]));
  list.clear_epoch();
  EXPECT_THAT(ListThetas(list), SizeIs(3));
  list.set_layer(7);
  EXPECT_THAT(ListThetas(list), IsEmpty());

  // Pages of one vector return each vector once.
  list.clear_layer();
  list.set_page_size(1);
  std::vector<std::string> paged;
  do {
    v1::ListThetasResponse response;
    ASSERT_TRUE(TryListThetas(list, &response).ok());
    ASSERT_EQ(response.thetas_size(), 1);
    paged.push_back(response.thetas(0).SerializeAsString());
    list.set_page_token(response.next_page_token());
  } while (!list.page_token().empty());
  ASSERT_THAT(paged, SizeIs(6));
  for (size_t i = 0; i < 6; ++i) EXPECT_EQ(paged[i], all[i].SerializeAsString());
}

TEST_F(RunTest, SharedThetaIsListedForTheNetwork) {
  RunToEnd(TinyRequest("e", 1));
  v1::ListThetasRequest list;
  list.set_parent("experiments/e/runs/0");
  const std::vector<v1::ThetaVector> thetas = ListThetas(list);
  ASSERT_THAT(thetas, SizeIs(1));
  EXPECT_EQ(thetas[0].layer(), -1);
  EXPECT_THAT(thetas[0].values(), ElementsAre(0.0F));
}

// Compares all results of runs except times.
class ReproducibilityTest : public RunTest {
 protected:
  std::string BitsOf(const std::string& run) {
    std::string bits = BytesWithoutTimes(ListEpochs(run));
    v1::ListThetasRequest list;
    list.set_parent(run);
    list.set_page_size(1000);
    for (const v1::ThetaVector& theta : ListThetas(list)) {
      absl::StrAppend(&bits, theta.SerializeAsString());
    }
    const v1::Run whole = GetRun(run);
    for (const v1::TestResult& result : whole.test_results()) {
      absl::StrAppend(&bits, result.SerializeAsString());
    }
    return bits;
  }
};

TEST_F(ReproducibilityTest, ConcurrentRunsAreBitIdenticalToSequentialOnes) {
  v1::CreateExperimentRequest request = NeuronRequest("together", 5);
  request.mutable_experiment()->add_seeds(7);
  request.mutable_experiment()->add_seeds(8);
  RunToEnd(request);
  const std::string seven = BitsOf("experiments/together/runs/0");
  const std::string eight = BitsOf("experiments/together/runs/1");
  EXPECT_NE(seven, eight) << "the seed matters";
  for (const int64_t seed : {7, 8}) {
    const std::string id = absl::StrCat("alone-", seed);
    v1::CreateExperimentRequest alone = NeuronRequest(id, 5);
    alone.mutable_experiment()->add_seeds(seed);
    RunToEnd(alone);
    EXPECT_TRUE(BitsOf(absl::StrCat("experiments/", id, "/runs/0")) == (seed == 7 ? seven : eight))
        << seed;
  }
}

TEST_F(ReproducibilityTest, RestartedDaemonGivesBitIdenticalResults) {
  RunToEnd(NeuronRequest("before", 3));
  const std::string before = BitsOf("experiments/before/runs/0");
  Stop();
  Start();
  EXPECT_TRUE(BitsOf("experiments/before/runs/0") == before) << "as stored";
  RunToEnd(NeuronRequest("after", 3));
  EXPECT_TRUE(BitsOf("experiments/after/runs/0") == before);
}

class DivergingTest : public DaemonTest {
 protected:
  // Linear, with a penalty that overshoots a thousandfold each step: it must leave float's range.
  static v1::CreateExperimentRequest Diverging(const std::string& id) {
    v1::CreateExperimentRequest request = TinyRequest(id, 20);
    request.mutable_experiment()->mutable_config()->MergeFrom(
        FromText<v1::TrainingConfig>("optimizer { kind: OPTIMIZER_KIND_SGD learning_rate: 1000 }"
                                     " theta { start: 0.7853981633974483 } regularizer { l2: 1 }"));
    return request;
  }
};

TEST_F(DivergingTest, DivergingRunFailsAndIsNotRetried) {
  const v1::Experiment experiment = RunToEnd(Diverging("e"));
  EXPECT_EQ(experiment.state(), v1::RUN_STATE_FAILED);
  EXPECT_EQ(experiment.run_counts().failed(), 1);
  v1::Run run = GetRun("experiments/e/runs/0");
  EXPECT_EQ(run.state(), v1::RUN_STATE_FAILED);
  EXPECT_EQ(run.failure().reason(), v1::FAILURE_REASON_DIVERGED);
  EXPECT_TRUE(Mentions(run.failure().message(), {"epoch", "step"}));
  EXPECT_EQ(run.failure().message().find('\n'), std::string::npos) << "one line";
  EXPECT_EQ(run.attempts(), 1);
  EXPECT_TRUE(run.has_end_time());
  EXPECT_EQ(run.test_results_size(), 0);
  EXPECT_LT(run.epochs_done(), 20);
  for (const v1::Epoch& epoch : ListEpochs(run.name())) {
    EXPECT_TRUE(std::isfinite(epoch.train_loss()));
  }
  const v1::Event last = WaitForEnd("experiments/e").back();
  EXPECT_EQ(last.state_change().to(), v1::RUN_STATE_FAILED);
  EXPECT_TRUE(Same(last.state_change().failure(), run.failure()));

  Stop();
  Start();
  RunToEnd(TinyRequest("next", 1));  // the failed run is not queued again
  EXPECT_TRUE(Same(GetRun("experiments/e/runs/0"), run));
}

class CompareTest : public DivergingTest {
 protected:
  grpc::Status TryCompare(const v1::CompareExperimentsRequest& request,
                          v1::CompareExperimentsResponse* response) {
    Context context;
    return experiments_->CompareExperiments(&context, request, response);
  }
  grpc::Status TryCompare(const std::vector<std::string>& names,
                          v1::CompareExperimentsResponse* response) {
    v1::CompareExperimentsRequest request;
    for (const std::string& name : names) request.add_names(name);
    return TryCompare(request, response);
  }
  static void ExpectStatistic(const v1::Statistic& statistic, const std::vector<double>& sample) {
    double sum = 0;
    for (const double value : sample) sum += value;
    const double mean = sum / static_cast<double>(sample.size());
    double squares = 0;
    for (const double value : sample) squares += (value - mean) * (value - mean);
    EXPECT_EQ(statistic.count(), static_cast<int>(sample.size()));
    EXPECT_NEAR(statistic.mean(), mean, 1e-12);
    ASSERT_EQ(statistic.has_standard_deviation(), sample.size() > 1);
    if (sample.size() > 1) {
      EXPECT_NEAR(statistic.standard_deviation(),
                  std::sqrt(squares / static_cast<double>(sample.size() - 1)), 1e-12);
    }
  }
};

TEST_F(CompareTest, FiguresMatchThoseComputedByHand) {
  v1::CreateExperimentRequest request = TinyRequest("swept", 2);
  request.mutable_experiment()->set_preset("annealed");
  request.mutable_experiment()->mutable_config()->mutable_theta()->set_policy(
      v1::THETA_POLICY_TRAINABLE);
  v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
  axis->set_field("optimizer.learning_rate");
  axis->add_values("0.05");
  axis->add_values("0.001");
  for (const int64_t seed : {1, 2, 3}) request.mutable_experiment()->add_seeds(seed);
  RunToEnd(request);
  RunToEnd(TinyRequest("single", 1));
  v1::CompareExperimentsResponse response;
  ASSERT_TRUE(
      TryCompare(std::vector<std::string>{"experiments/single", "experiments/swept"}, &response)
          .ok());
  ASSERT_EQ(response.arms_size(), 3);
  EXPECT_EQ(response.arms(0).experiment(), "experiments/single");
  EXPECT_EQ(response.arms(0).total(), 1);
  EXPECT_FALSE(response.arms(0).validation_accuracy().has_standard_deviation());
  const std::vector<v1::Run> runs = ListRuns("experiments/swept");
  ASSERT_THAT(runs, SizeIs(6));
  for (int cell = 0; cell < 2; ++cell) {
    const v1::Arm& arm = response.arms(1 + cell);
    EXPECT_EQ(arm.experiment(), "experiments/swept");
    EXPECT_EQ(arm.preset(), "annealed");
    EXPECT_EQ(arm.parameters().at("optimizer.learning_rate"), cell == 0 ? "0.05" : "0.001");
    EXPECT_EQ(arm.succeeded(), 3);
    EXPECT_EQ(arm.total(), 3);
    std::vector<double> validation;
    std::vector<double> relu;
    std::vector<double> test;
    std::vector<double> theta;
    for (int seed = 0; seed < 3; ++seed) {
      const v1::Run& run = runs[static_cast<size_t>(3 * cell + seed)];
      validation.push_back(run.last_epoch().validation_accuracy());
      relu.push_back(run.last_epoch().validation_relu_accuracy());
      test.push_back(run.test_results(0).accuracy());
      theta.push_back(run.last_epoch().theta().mean());
    }
    ExpectStatistic(arm.validation_accuracy(), validation);
    ExpectStatistic(arm.validation_relu_accuracy(), relu);
    ExpectStatistic(arm.test_accuracy(), test);
    ExpectStatistic(arm.theta(), theta);
    EXPECT_EQ(arm.epoch_seconds().count(), 3);
    EXPECT_GT(arm.epoch_seconds().mean(), 0);
  }
}

TEST_F(CompareTest, RunThatDivergedCountsAsAlwaysPredictingTheLargestClass) {
  v1::CreateExperimentRequest request = Diverging("mixed");
  v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
  axis->set_field("optimizer.learning_rate");
  axis->add_values("1000");
  axis->add_values("0.0001");
  RunToEnd(request);
  v1::CompareExperimentsResponse response;
  ASSERT_TRUE(TryCompare(std::vector<std::string>{"experiments/mixed"}, &response).ok());
  ASSERT_EQ(response.arms_size(), 2);
  EXPECT_EQ(response.arms(0).total(), 1);
  EXPECT_EQ(response.arms(0).succeeded(), 0);
  EXPECT_EQ(response.arms(0).diverged(), 1);
  EXPECT_EQ(response.arms(0).epoch_seconds().count(), 0);
  const v1::SplitSummary split = GetRun("experiments/mixed/runs/0").split();
  const double images = std::accumulate(split.validation().begin(), split.validation().end(), 0.0);
  EXPECT_DOUBLE_EQ(
      response.arms(0).value().mean(),
      static_cast<double>(*std::max_element(split.validation().begin(), split.validation().end())) /
          images);
  EXPECT_EQ(response.arms(1).succeeded(), 1);
  EXPECT_EQ(response.arms(1).test_accuracy().count(), 1);
}

TEST_F(CompareTest, DifferencesArePairedBySeed) {
  v1::CreateExperimentRequest request = TinyRequest("swept", 2);
  v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
  axis->set_field("optimizer.learning_rate");
  axis->add_values("0.05");
  axis->add_values("0.0001");
  for (const int64_t seed : {1, 2, 3}) request.mutable_experiment()->add_seeds(seed);
  RunToEnd(request);
  const std::vector<v1::Run> runs = ListRuns("experiments/swept");
  std::vector<double> differences;
  int better = 0;
  for (size_t i = 0; i < 3; ++i) {
    differences.push_back(runs[3 + i].last_epoch().validation_loss() -
                          runs[i].last_epoch().validation_loss());
    better += differences.back() < 0;
  }
  v1::CompareExperimentsRequest question;
  question.add_names("experiments/swept");
  question.set_metric("validation_loss");
  question.set_threshold(runs[0].last_epoch().validation_accuracy());
  v1::CompareExperimentsResponse response;
  ASSERT_TRUE(TryCompare(question, &response).ok());
  EXPECT_FALSE(response.higher_is_better());
  EXPECT_EQ(response.baseline(), "swept,optimizer.learning_rate=0.05");
  ASSERT_EQ(response.arms_size(), 2);
  EXPECT_FALSE(response.arms(0).has_comparison());
  const v1::Comparison& comparison = response.arms(1).comparison();
  EXPECT_EQ(comparison.pairs(), 3);
  EXPECT_NEAR(comparison.difference(), (differences[0] + differences[1] + differences[2]) / 3,
              1e-12);
  EXPECT_LE(comparison.difference_low(), comparison.difference());
  EXPECT_GE(comparison.difference_high(), comparison.difference());
  EXPECT_NEAR(comparison.probability_of_improvement(), better / 3.0, 1e-12);
  EXPECT_GE(comparison.p_value(), 0.25);
  EXPECT_EQ(comparison.holm_p_value(), comparison.p_value());
  const v1::TimeToThreshold& times = response.arms(0).time_to_threshold();
  EXPECT_GE(times.reached(), 1);
  EXPECT_EQ(times.reached() + times.never(), 3);

  // With the arms swapped.
  question.set_baseline("swept,optimizer.learning_rate=0.0001");
  v1::CompareExperimentsResponse reversed;
  ASSERT_TRUE(TryCompare(question, &reversed).ok());
  EXPECT_NEAR(reversed.arms(0).comparison().difference(), -comparison.difference(), 1e-12);
  EXPECT_EQ(reversed.arms(0).comparison().p_value(), comparison.p_value());
}

TEST_F(CompareTest, RunsAreGroupedByFieldsOfTheirConfigs) {
  for (const char* id : {"one", "two"}) {
    v1::CreateExperimentRequest request = TinyRequest(id, 2);
    v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
    axis->set_field("theta.policy");
    axis->add_values("FIXED");
    axis->add_values("TRAINABLE");
    request.mutable_experiment()->add_seeds(5);
    RunToEnd(request);
  }
  v1::CompareExperimentsRequest question;
  question.add_names("experiments/one");
  question.add_names("experiments/two");
  question.add_group_by("theta.policy");
  v1::CompareExperimentsResponse response;
  ASSERT_TRUE(TryCompare(question, &response).ok());
  ASSERT_EQ(response.arms_size(), 2);
  EXPECT_EQ(response.arms(0).name(), "theta.policy=FIXED");
  EXPECT_EQ(response.arms(0).total(), 2);
  EXPECT_EQ(response.arms(0).experiment(), "");
  EXPECT_EQ(response.arms(1).name(), "theta.policy=TRAINABLE");
  // The two experiments hold equal runs.
  EXPECT_EQ(response.arms(1).duplicates(), 1);
  EXPECT_EQ(response.arms(1).comparison().pairs(), 1);
  question.set_metric("log_loss_area");
  ASSERT_TRUE(TryCompare(question, &response).ok());
  EXPECT_EQ(response.arms(0).value().count(), 1);
  question.add_group_by("experiment");
  ASSERT_TRUE(TryCompare(question, &response).ok());
  EXPECT_EQ(response.arms_size(), 4);
}

TEST_F(CompareTest, UnknownNamesAreRejectedWithTheAvailableOnes) {
  RunToEnd(TinyRequest("e", 1));
  v1::CompareExperimentsResponse response;
  const auto fields_of = [&](const std::string& text) {
    v1::CompareExperimentsRequest question = FromText<v1::CompareExperimentsRequest>(text);
    question.add_names("experiments/e");
    const grpc::Status status = TryCompare(question, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << text;
    return status.error_message();
  };
  EXPECT_THAT(fields_of("metric: 'loss'"), ::testing::HasSubstr("validation_loss"));
  EXPECT_THAT(fields_of("threshold: 1 threshold_metric: 'test_loss'"),
              ::testing::HasSubstr("validation_accuracy"));
  EXPECT_THAT(fields_of("group_by: 'theta.polcy'"), ::testing::HasSubstr("theta.policy"));
  EXPECT_THAT(fields_of("baseline: 'other'"), ::testing::HasSubstr("the arms are e"));
}

TEST_F(CompareTest, NamesAreChecked) {
  v1::CompareExperimentsResponse response;
  EXPECT_EQ(TryCompare(std::vector<std::string>{}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(TryCompare(std::vector<std::string>{"x"}, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(TryCompare(std::vector<std::string>(1001, "experiments/a"), &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  v1::CompareExperimentsRequest many;
  many.add_names("experiments/unknown");
  for (int i = 0; i < 17; ++i) many.add_group_by("theta");
  const grpc::Status refused = TryCompare(many, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(refused.error_message().find("0..16"), std::string::npos) << refused.error_message();
  const grpc::Status status =
      TryCompare(std::vector<std::string>{"experiments/unknown"}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
}

}  // namespace
}  // namespace anneal
