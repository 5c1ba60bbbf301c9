#include "server/training/trainer.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <latch>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "server/training/engines/engine.h"
#include "server/training/make_engine.h"
#include "server/training/model/checkpoint.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kTestImages = 100;
constexpr int kClasses = 4;
// 300 images, a fifth of them for validation, in batches of 16.
constexpr int64_t kStepsPerEpoch = 15;

const data::Dataset& Tiny() {
  static const data::Dataset* const dataset = [] {
    const TempDirectory directory;
    WriteTinyDataset(directory.path());
    return new data::Dataset(data::LoadDataset(directory.path()).value());
  }();
  return *dataset;
}

// Layers of `changes` replace those of the tiny network.
v1::TrainingConfig ConfigOf(const std::string& changes = "", const std::string& more = "") {
  v1::TrainingConfig config = FromText<v1::TrainingConfig>(
      "dataset { name: 'tiny' validation_fraction: 0.2 } "
      "network { layers { conv { filters: 4 kernel: 3 pool: POOL_MAX } } "
      "          layers { dense { units: 8 } } } "
      "optimizer { learning_rate: 0.01 } epochs: 4 batch_size: 16");
  v1::TrainingConfig changed = FromText<v1::TrainingConfig>(changes);
  changed.MergeFrom(FromText<v1::TrainingConfig>(more));
  if (changed.network().layers_size() > 0) config.mutable_network()->clear_layers();
  config.MergeFrom(changed);
  config = config::ResolveConfig(config);
  EXPECT_EQ(config::CheckConfig(config), absl::OkStatus());
  return config;
}

// All reports of a run.
struct Reports {
  std::optional<v1::RunStarted> started;
  std::vector<v1::EpochReport> epochs;
  std::vector<std::string> order;
  std::vector<v1::Checkpoint> inside;  // an epoch
  absl::StatusOr<v1::RunEnd> end;

  const v1::Epoch& epoch(size_t i) const { return epochs.at(i).epoch(); }
  const v1::Epoch& last() const { return epochs.at(epochs.size() - 1).epoch(); }
};

struct Run {
  int64_t seed = 1;
  std::function<absl::Status(const v1::RunStarted&)> on_started = nullptr;
  std::function<absl::Status(const v1::EpochReport&)> on_epoch = nullptr;
  std::stop_token stop = {};
  std::string checkpoint = "";
  std::string dataset_sha256 = Tiny().sha256;
};

// Trains on the calling thread.
Reports TrainOn(const v1::TrainingConfig& config, const Run& run = {}) {
  PrepareTrainingThread();
  v1::RunAssignment assignment;
  assignment.set_name("experiments/e/runs/0");
  assignment.set_run_id(1);
  *assignment.mutable_config() = config;
  assignment.set_seed(run.seed);
  assignment.set_checkpoint(run.checkpoint);
  assignment.set_dataset_sha256(run.dataset_sha256);
  Reports reports;
  const TrainingObserver observer = {
      .on_started =
          [&](const v1::RunStarted& started) {
            reports.started = started;
            reports.order.push_back("started");
            return run.on_started ? run.on_started(started) : absl::OkStatus();
          },
      .on_epoch =
          [&](const v1::EpochReport& report) {
            reports.epochs.push_back(report);
            reports.order.push_back(absl::StrCat("epoch ", report.epoch().epoch()));
            return run.on_epoch ? run.on_epoch(report) : absl::OkStatus();
          },
      .on_checkpoint =
          [&](const v1::Checkpoint& checkpoint) {
            reports.inside.push_back(checkpoint);
            return absl::OkStatus();
          }};
  reports.end = Train(assignment, Tiny(), observer, run.stop);
  return reports;
}

// Serialises all reports without their times.
std::vector<std::string> BitsOf(const Reports& reports) {
  std::vector<std::string> bits;
  if (reports.started.has_value()) bits.push_back(reports.started->SerializeAsString());
  for (v1::EpochReport report : reports.epochs) {
    report.mutable_epoch()->clear_epoch_seconds();
    report.mutable_epoch()->clear_elapsed_seconds();
    report.mutable_epoch()->clear_samples_per_second();
    if (report.has_checkpoint()) {
      // The progress contains times.
      const auto state = model::DecodeCheckpoint(report.checkpoint().contents());
      EXPECT_EQ(state.status(), absl::OkStatus());
      report.mutable_checkpoint()->set_contents(
          absl::StrCat(model::WeightsDigest(state->weights), model::WeightsDigest(state->moments),
                       model::WeightsDigest(state->best_weights)));
    }
    bits.push_back(report.SerializeAsString());
  }
  if (reports.end.ok()) bits.push_back(reports.end->SerializeAsString());
  return bits;
}

Reports WithoutDiagnostics(Reports reports) {
  for (v1::EpochReport& report : reports.epochs) {
    report.mutable_epoch()->clear_convexity_violations();
    report.mutable_epoch()->clear_hessian_max_eigenvalue();
    report.mutable_epoch()->clear_hessian_min_eigenvalue();
    for (v1::LayerMetrics& layer : *report.mutable_epoch()->mutable_layers()) {
      layer.clear_linear_gap();
      layer.clear_negative_share();
    }
  }
  return reports;
}

void ExpectCompleted(const Reports& reports) {
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  ASSERT_TRUE(reports.end->has_completed()) << reports.end->DebugString();
}

const v1::TestResult& ResultOf(const Reports& reports, v1::TestResult::Weights weights) {
  static const v1::TestResult none;
  for (const v1::TestResult& result : reports.end->completed().test_results()) {
    if (result.weights() == weights) return result;
  }
  ADD_FAILURE() << "no test result of " << weights;
  return none;
}

const std::string kScheduled = "theta { policy: THETA_POLICY_SCHEDULED } ";

TEST(TrainerTest, ReportsItsStartAndThenEachEpochInOrder) {
  const Reports reports = TrainOn(ConfigOf());
  ExpectCompleted(reports);
  EXPECT_EQ(reports.order,
            (std::vector<std::string>{"started", "epoch 1", "epoch 2", "epoch 3", "epoch 4"}));
  EXPECT_FALSE(reports.started->engine().empty());
  EXPECT_EQ(reports.started->dataset_sha256(), Tiny().sha256);
  const v1::NetworkSummary& network = reports.started->network();
  ASSERT_EQ(network.layers_size(), 3);
  // conv: 4 x 9 + 4; dense: 8 x 100 + 8; output: 4 x 8 + 4.
  EXPECT_EQ(network.parameter_count(), 40 + 808 + 36);
  EXPECT_EQ(network.theta_count(), 1);
}

TEST(TrainerTest, RecordsStepsTimesAndLayersOfEachEpoch) {
  const Reports reports = TrainOn(ConfigOf());
  ASSERT_EQ(reports.epochs.size(), 4u);
  double elapsed = 0;
  for (size_t i = 0; i < 4; ++i) {
    const v1::Epoch& epoch = reports.epoch(i);
    EXPECT_EQ(epoch.step(), kStepsPerEpoch * epoch.epoch());
    EXPECT_EQ(epoch.learning_rate(), 0.01);
    EXPECT_GT(epoch.epoch_seconds(), 0);
    elapsed += epoch.epoch_seconds();
    EXPECT_NEAR(epoch.elapsed_seconds(), elapsed, 1e-9);
    // Training is part of the epoch.
    EXPECT_GE(epoch.samples_per_second(), 240 / epoch.epoch_seconds());
    ASSERT_EQ(epoch.layers_size(), 3);
    for (const v1::LayerMetrics& layer : epoch.layers()) {
      EXPECT_GT(layer.gradient_norm(), 0);
      EXPECT_FALSE(layer.has_linear_gap());
      EXPECT_FALSE(layer.has_negative_share());
    }
    EXPECT_FALSE(epoch.has_convexity_violations());
    EXPECT_FALSE(epoch.has_hessian_max_eigenvalue());
    EXPECT_FALSE(epoch.has_hessian_min_eigenvalue());
    ASSERT_EQ(reports.epochs[i].thetas_size(), 1);
    EXPECT_EQ(reports.epochs[i].thetas(0).epoch(), epoch.epoch());
    EXPECT_EQ(reports.epochs[i].thetas(0).layer(), -1);
    EXPECT_EQ(epoch.theta().count(), 1);
  }
}

TEST(TrainerTest, Learns) {
  for (const std::string& theta :
       {std::string(), std::string("theta { policy: THETA_POLICY_SCHEDULED span: 3 }"),
        std::string("theta { policy: THETA_POLICY_TRAINABLE }"),
        std::string("network { batch_norm: true }"),
        std::string("optimizer { kind: OPTIMIZER_KIND_SGD momentum: 0.9 learning_rate: 0.02 }")}) {
    const Reports reports = TrainOn(ConfigOf("epochs: 8", theta));
    ExpectCompleted(reports);
    EXPECT_GT(reports.last().validation_accuracy(), 0.9) << theta;
    EXPECT_GT(reports.last().train_accuracy(), 0.9) << theta;
    EXPECT_LT(reports.last().train_loss(), reports.epoch(0).train_loss()) << theta;
    EXPECT_GT(ResultOf(reports, v1::TestResult::WEIGHTS_LAST).accuracy(), 0.9) << theta;
  }
}

TEST(TrainerTest, LossIsTheMeanOverImagesForAnyBatching) {
  // The learning rate is too small to change the weights: the loss of an epoch is the mean over
  // images, whatever their order and batches; the last batch of 32 has 16 of the 240 images.
  const Reports reports = TrainOn(
      ConfigOf("batch_size: 32 optimizer { kind: OPTIMIZER_KIND_SGD learning_rate: 1e-30 }"));
  ExpectCompleted(reports);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_NEAR(reports.epoch(i).train_loss(), reports.epoch(0).train_loss(), 1e-6);
    EXPECT_EQ(reports.epoch(i).train_accuracy(), reports.epoch(0).train_accuracy());
    EXPECT_EQ(reports.epoch(i).validation_loss(), reports.epoch(0).validation_loss());
  }
}

TEST(TrainerTest, LinearScheduleStartsAndEndsExactly) {
  const float linear = static_cast<float>(kQuarterPi);
  const Reports reports = TrainOn(ConfigOf("epochs: 5", kScheduled));
  ExpectCompleted(reports);
  EXPECT_EQ(reports.epochs.front().thetas(0).values(0), linear);
  EXPECT_EQ(reports.epoch(0).theta().max(), linear);
  EXPECT_EQ(reports.epochs.back().thetas(0).values(0), 0);
  EXPECT_EQ(reports.last().theta().max(), 0);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(reports.epoch(i).theta().mean(), kQuarterPi * (1 - static_cast<double>(i) / 4),
                1e-7);
  }
}

TEST(TrainerTest, LinearScheduleInterpolatesByStep) {
  const Reports reports =
      TrainOn(ConfigOf("epochs: 3 theta { policy: THETA_POLICY_SCHEDULED unit: SCHEDULE_UNIT_STEP "
                       "start: 0.7 end: 0.25 }"));
  ExpectCompleted(reports);
  EXPECT_EQ(reports.last().theta().mean(), 0.25);
  // Of the epoch's last step: number 15 and 30 of the path's 44 units, counted from 1.
  EXPECT_NEAR(reports.epoch(0).theta().mean(), 0.7 - 0.45 * 14 / 44, 1e-6);
  EXPECT_NEAR(reports.epoch(1).theta().mean(), 0.7 - 0.45 * 29 / 44, 1e-6);
}

struct Granularity {
  std::string name;
  int64_t thetas;
};

class TrainableThetaTest : public ::testing::TestWithParam<Granularity> {};

TEST_P(TrainableThetaTest, MovesAndStaysInItsBounds) {
  const std::string theta =
      absl::StrCat("theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_",
                   GetParam().name, " start: 0.4 lower_bound: 0.35 upper_bound: 0.45 ");
  for (const char* rate : {"learning_rate: 0.0001 }", "learning_rate: 0.2 }"}) {
    const Reports reports = TrainOn(ConfigOf(theta + rate));
    ExpectCompleted(reports);
    for (const v1::EpochReport& report : reports.epochs) {
      const v1::ThetaSummary& summary = report.epoch().theta();
      EXPECT_EQ(summary.count(), GetParam().thetas);
      EXPECT_GE(summary.min(), 0.35f);
      EXPECT_LE(summary.max(), 0.45f);
      EXPECT_GT(summary.max() - 0.4f + 0.4f - summary.min() + std::abs(summary.mean() - 0.4f),
                1e-5);
      int64_t values = 0;
      for (const v1::ThetaVector& vector : report.thetas()) {
        values += vector.values_size();
        EXPECT_EQ(vector.epoch(), report.epoch().epoch());
        EXPECT_EQ(
            std::accumulate(vector.shape().begin(), vector.shape().end(), 1, std::multiplies<>()),
            vector.values_size());
      }
      EXPECT_EQ(values, GetParam().thetas);
    }
  }
}

TEST_P(TrainableThetaTest, LeavesQuarterPiDownwardsOnly) {
  const Reports reports = TrainOn(ConfigOf(
      absl::StrCat("theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_",
                   GetParam().name, " learning_rate: 0.01 }")));
  ExpectCompleted(reports);
  // One or two thetas may stay at their bound; of many, some decrease.
  if (GetParam().thetas > 2) {
    EXPECT_LT(reports.last().theta().min(), 0.78);
  }
  EXPECT_LE(reports.last().theta().max(), static_cast<float>(kQuarterPi));
  EXPECT_GE(reports.last().theta().min(), 0);
}

INSTANTIATE_TEST_SUITE_P(Granularities, TrainableThetaTest,
                         ::testing::Values(Granularity{"NETWORK", 1}, Granularity{"LAYER", 2},
                                           Granularity{"CHANNEL", 12},
                                           Granularity{"NEURON", 4 * 25 + 8}),
                         [](const auto& param_info) { return param_info.param.name; });

TEST(TrainerTest, IsBitIdenticalForTheSameSeedOnly) {
  for (const std::string& theta :
       {kScheduled,
        std::string(
            "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON }"),
        std::string("network { batch_norm: true }")}) {
    const v1::TrainingConfig config = ConfigOf("epochs: 3", theta);
    const Reports once = TrainOn(config);
    ExpectCompleted(once);
    EXPECT_EQ(BitsOf(once), BitsOf(TrainOn(config))) << theta;
    EXPECT_NE(BitsOf(once), BitsOf(TrainOn(config, {.seed = 2}))) << theta;
  }
}

TEST(TrainerTest, IsBitIdenticalBesideAConcurrentRun) {
  const v1::TrainingConfig config = ConfigOf(kScheduled);
  const std::vector<std::string> alone = BitsOf(TrainOn(config));
  // The other run starts earlier and ends later: it trains until it is stopped.
  std::latch other_trains(1);
  std::stop_source stop;
  std::jthread other([&] {
    bool first = true;
    TrainOn(ConfigOf("epochs: 100000", "network { layers { dense { units: 9 } } }"),
            {.seed = 5,
             .on_epoch =
                 [&](const v1::EpochReport&) {
                   if (std::exchange(first, false)) other_trains.count_down();
                   return absl::OkStatus();
                 },
             .stop = stop.get_token()});
  });
  other_trains.wait();
  std::vector<std::string> beside;
  std::jthread([&] { beside = BitsOf(TrainOn(config)); }).join();
  stop.request_stop();
  other.join();
  EXPECT_EQ(alone, beside);
}

const std::string kExploding =
    "optimizer { kind: OPTIMIZER_KIND_SGD learning_rate: 1000 } "
    "theta { start: 0.78539816339744830962 } ";

TEST(TrainerTest, EndsAsDivergedWhenTheLearningRateIsTooHigh) {
  const Reports reports = TrainOn(ConfigOf(kExploding));
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  EXPECT_EQ(reports.end->failure().reason(), v1::FAILURE_REASON_DIVERGED)
      << reports.end->DebugString();
  const std::string& message = reports.end->failure().message();
  EXPECT_THAT(message, ContainsRegex("epoch [0-9]+"));
  EXPECT_THAT(message, ContainsRegex("step [0-9]+"));
  EXPECT_THAT(message, HasSubstr("optimizer.learning_rate"));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
  for (const v1::EpochReport& report : reports.epochs) {
    EXPECT_TRUE(std::isfinite(report.epoch().train_loss()));
    EXPECT_TRUE(std::isfinite(report.epoch().validation_loss()));
  }
}

TEST(TrainerTest, NamesTheEpochThatDivergedAndTheLastFiniteLoss) {
  // The warm-up is gentle at first; from a learning rate of 20 on, the penalty's steps overshoot
  // by more than they correct.
  const Reports reports = TrainOn(ConfigOf(
      kExploding,
      "epochs: 50 optimizer { warmup_epochs: 50 learning_rate: 100 } regularizer { l2: 0.05 }"));
  ASSERT_EQ(reports.end->failure().reason(), v1::FAILURE_REASON_DIVERGED)
      << reports.end->DebugString();
  ASSERT_GT(reports.epochs.size(), 0u);
  EXPECT_THAT(reports.end->failure().message(),
              HasSubstr(absl::StrCat("epoch ", reports.epochs.size() + 1)));
  EXPECT_THAT(reports.end->failure().message(),
              HasSubstr(absl::StrCat(reports.last().train_loss())));
}

TEST(TrainerTest, EndsAsDivergedWhicheverCheckFindsItFirst) {
  // One step an epoch, after which all weights are non-finite.
  const std::string one_step = "batch_size: 240 epochs: 20 ";
  for (const std::string& diagnostics :
       {std::string(), std::string("diagnostics { activations: true probe_size: 20 }"),
        std::string("diagnostics { convexity: true probe_size: 20 }"),
        std::string("diagnostics { hessian_every: 1 probe_size: 20 }")}) {
    const Reports reports = TrainOn(ConfigOf(kExploding, one_step + diagnostics));
    ASSERT_EQ(reports.end.status(), absl::OkStatus()) << diagnostics;
    EXPECT_EQ(reports.end->failure().reason(), v1::FAILURE_REASON_DIVERGED)
        << diagnostics << reports.end->DebugString();
  }
}

TEST(TrainerTest, ExplainsInOneLineThatTheConfigDoesNotFitTheDataSet) {
  v1::TrainingConfig config = ConfigOf("network { layers { conv { filters: 2 kernel: 13 } } }");
  Reports reports = TrainOn(config);
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  EXPECT_EQ(reports.end->failure().reason(), v1::FAILURE_REASON_INVALID_DATA);
  EXPECT_THAT(reports.end->failure().message(), HasSubstr("kernel"));
  EXPECT_TRUE(reports.order.empty());
  config.set_batch_size(1000);
  reports = TrainOn(config);
  EXPECT_THAT(reports.end->failure().message(), HasSubstr("kernel"));
  EXPECT_THAT(reports.end->failure().message(), HasSubstr("batch_size"));
  EXPECT_THAT(reports.end->failure().message(), Not(HasSubstr("\n")));
}

TEST(TrainerTest, StopsBeforeTheFirstStepWhenStopWasRequested) {
  std::stop_source stop;
  stop.request_stop();
  const Reports reports = TrainOn(ConfigOf(), {.stop = stop.get_token()});
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  EXPECT_TRUE(reports.end->stopped());
  EXPECT_TRUE(reports.epochs.empty());
}

TEST(TrainerTest, StopsBetweenEpochs) {
  std::stop_source stop;
  const Reports reports =
      TrainOn(ConfigOf("epochs: 100000"), {.on_epoch =
                                               [&](const v1::EpochReport& report) {
                                                 if (report.epoch().epoch() == 2) {
                                                   stop.request_stop();
                                                 }
                                                 return absl::OkStatus();
                                               },
                                           .stop = stop.get_token()});
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  EXPECT_TRUE(reports.end->stopped());
  EXPECT_EQ(reports.epochs.size(), 2u);
}

TEST(TrainerTest, StopsOnRequestOfAnotherThread) {
  std::stop_source stop;
  std::latch trains(1);
  std::jthread other([&] {
    trains.wait();
    stop.request_stop();
  });
  const Reports reports = TrainOn(ConfigOf("epochs: 100000"), {.on_started =
                                                                   [&](const v1::RunStarted&) {
                                                                     trains.count_down();
                                                                     return absl::OkStatus();
                                                                   },
                                                               .stop = stop.get_token()});
  ASSERT_EQ(reports.end.status(), absl::OkStatus());
  EXPECT_TRUE(reports.end->stopped());
}

// Configs with state that a checkpoint must include.
const char* const kResumable[] = {
    "epochs: 6",
    "epochs: 6 engine: ENGINE_KIND_REFERENCE",
    "epochs: 6 engine: ENGINE_KIND_REFERENCE theta { policy: THETA_POLICY_TRAINABLE }",
    "epochs: 6 optimizer { kind: OPTIMIZER_KIND_SGD momentum: 0.9 nesterov: true warmup_epochs: 3 "
    "}",
    "epochs: 6 optimizer { schedule: LEARNING_RATE_SCHEDULE_COSINE clip_norm: 0.1 }",
    "epochs: 6 theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_COSINE "
    "unit: SCHEDULE_UNIT_STEP }",
    "epochs: 6 theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU "
    "plateau { notch: 0.25 tolerance: 0.5 } }",
    "epochs: 6 theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP hold: 2 }",
    "epochs: 6 theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON }",
    "epochs: 6 network { batch_norm: true layers { conv { filters: 3 kernel: 3 } } }",
    "epochs: 6 early_stopping { patience: 2 min_delta: 0.2 }",
    "epochs: 6 diagnostics { convexity: true activations: true probe_size: 4 }"};

TEST(TrainerTest, ResumesBitIdenticallyFromTheCheckpointOfAnyEpoch) {
  for (const char* text : kResumable) {
    const v1::TrainingConfig config = ConfigOf(text);
    const Reports whole = TrainOn(config);
    ExpectCompleted(whole);
    const std::vector<std::string> bits = BitsOf(whole);
    for (size_t i = 0; i < whole.epochs.size(); ++i) {
      ASSERT_TRUE(whole.epochs[i].has_checkpoint()) << text;
      std::vector<std::string> rest =
          BitsOf(TrainOn(config, {.checkpoint = whole.epochs[i].checkpoint().contents()}));
      // The report of its start, and the remaining epochs.
      EXPECT_EQ(rest.front(), bits.front());
      rest.erase(rest.begin());
      EXPECT_EQ(rest, std::vector<std::string>(bits.begin() + 2 + static_cast<int>(i), bits.end()))
          << text << " after epoch " << i + 1;
    }
  }
}

// AUTO keeps the engine chosen at the run's start, even if the resuming daemon would choose
// another.
TEST(TrainerTest, ResumesWithTheEngineOfItsStart) {
  const Reports whole = TrainOn(ConfigOf("epochs: 6 engine: ENGINE_KIND_REFERENCE"));
  const std::vector<std::string> bits = BitsOf(whole);
  const Reports rest = TrainOn(ConfigOf("epochs: 6 engine: ENGINE_KIND_AUTO"),
                               {.checkpoint = whole.epochs[2].checkpoint().contents()});
  const std::vector<std::string> rest_bits = BitsOf(rest);
  EXPECT_EQ(rest_bits.front(), bits.front());
  EXPECT_TRUE(std::equal(rest_bits.begin() + 1, rest_bits.end(), bits.begin() + 4, bits.end()));
}

TEST(TrainerTest, ResumesBitIdenticallyFromACheckpointInsideAnEpoch) {
  for (const char* text : kResumable) {
    v1::TrainingConfig config = ConfigOf(text);
    const std::vector<std::string> bits = BitsOf(TrainOn(config));
    // After every step.
    config.mutable_checkpoint()->set_every_seconds(1e-12);
    const Reports chatty = TrainOn(config);
    EXPECT_EQ(BitsOf(chatty), bits) << text;
    ASSERT_GT(chatty.inside.size(), 10U);
    for (size_t i = 0; i < chatty.inside.size(); i += 3) {
      const std::vector<std::string> rest =
          BitsOf(TrainOn(ConfigOf(text), {.checkpoint = chatty.inside[i].contents()}));
      ASSERT_GE(rest.size(), 2U);
      EXPECT_TRUE(std::equal(rest.rbegin(), rest.rend() - 1, bits.rbegin()))
          << text << " after step " << chatty.inside[i].step();
      EXPECT_EQ(rest.size() - 1, bits.size() - 1 - static_cast<size_t>(chatty.inside[i].epoch()));
    }
  }
}

TEST(TrainerTest, IsBitIdenticalAfterRepeatedStops) {
  for (const char* text : kResumable) {
    const v1::TrainingConfig config = ConfigOf(text);
    const std::vector<std::string> bits = BitsOf(TrainOn(config));
    std::vector<std::string> pieces;
    std::string checkpoint;
    for (int attempt = 0; attempt < 100; ++attempt) {
      std::stop_source stop;
      const Reports reports = TrainOn(config, {.on_epoch =
                                                   [&](const v1::EpochReport&) {
                                                     stop.request_stop();
                                                     return absl::OkStatus();
                                                   },
                                               .stop = stop.get_token(),
                                               .checkpoint = checkpoint});
      ASSERT_EQ(reports.end.status(), absl::OkStatus());
      std::vector<std::string> piece = BitsOf(reports);
      if (reports.end->has_completed()) {
        pieces.insert(pieces.end(), piece.begin() + 1, piece.end());
        break;
      }
      ASSERT_EQ(reports.inside.size(), 1U);
      checkpoint = reports.inside[0].contents();
      pieces.insert(pieces.end(), piece.begin() + 1, piece.end() - 1);
    }
    EXPECT_EQ(pieces, std::vector<std::string>(bits.begin() + 1, bits.end())) << text;
  }
}

TEST(TrainerTest, WritesCheckpointsWhenDueWhenBestAndAtTheEnd) {
  const Reports reports = TrainOn(ConfigOf("epochs: 7 checkpoint { every_epochs: 3 }"));
  ExpectCompleted(reports);
  double best = -1;
  double best_loss = 0;
  for (const v1::EpochReport& report : reports.epochs) {
    const v1::Epoch& e = report.epoch();
    const bool is_best = e.validation_accuracy() > best ||
                         (e.validation_accuracy() == best && e.validation_loss() < best_loss);
    if (is_best) {
      best = e.validation_accuracy();
      best_loss = e.validation_loss();
    }
    const bool due = is_best || e.epoch() % 3 == 0 || e.epoch() == 7;
    ASSERT_EQ(report.has_checkpoint(), due) << e.epoch();
    if (!due) continue;
    EXPECT_EQ(report.checkpoint().best(), is_best);
    EXPECT_EQ(report.checkpoint().epoch(), e.epoch());
    EXPECT_EQ(report.checkpoint().step(), e.step());
  }
}

TEST(TrainerTest, RejectsACheckpointOfAnotherNetworkOrDataSet) {
  const Reports reports = TrainOn(ConfigOf("epochs: 2"));
  const std::string checkpoint = reports.epochs[0].checkpoint().contents();
  const Reports other = TrainOn(ConfigOf("epochs: 2", "network { layers { dense { units: 9 } } }"),
                                {.checkpoint = checkpoint});
  EXPECT_EQ(other.end->failure().reason(), v1::FAILURE_REASON_INTERNAL);
  const Reports changed =
      TrainOn(ConfigOf("epochs: 2"), {.checkpoint = checkpoint, .dataset_sha256 = "another"});
  EXPECT_EQ(changed.end->failure().reason(), v1::FAILURE_REASON_INVALID_DATA);
  EXPECT_TRUE(changed.epochs.empty());
}

TEST(TrainerTest, ReturnsTheObserversErrorAtTheStart) {
  const Reports reports = TrainOn(ConfigOf(), {.on_started = [](const v1::RunStarted&) {
                                    return absl::ResourceExhaustedError("full");
                                  }});
  EXPECT_EQ(reports.end.status(), absl::ResourceExhaustedError("full"));
  EXPECT_TRUE(reports.epochs.empty());
}

TEST(TrainerTest, ReturnsTheObserversErrorAtAnEpoch) {
  const Reports reports = TrainOn(
      ConfigOf(), {.on_epoch = [](const v1::EpochReport& report) {
        return report.epoch().epoch() == 2 ? absl::AbortedError("no more") : absl::OkStatus();
      }});
  EXPECT_EQ(reports.end.status(), absl::AbortedError("no more"));
  EXPECT_EQ(reports.epochs.size(), 2u);
}

TEST(TrainerTest, StopsEarlyWithoutSufficientImprovement) {
  const Reports reports =
      TrainOn(ConfigOf("epochs: 50 early_stopping { patience: 2 min_delta: 1000 }"));
  ExpectCompleted(reports);
  // The first epoch always counts as an improvement.
  EXPECT_EQ(reports.epochs.size(), 3u);
  EXPECT_EQ(ResultOf(reports, v1::TestResult::WEIGHTS_LAST).epoch(), 3);
}

TEST(TrainerTest, StopsEarlyAtTheFirstEpochThatExhaustsItsPatience) {
  constexpr int kPatience = 2;
  const Reports reports =
      TrainOn(ConfigOf("epochs: 300 optimizer { learning_rate: 0.03 } regularizer { l2: 0.01 } "
                       "early_stopping { patience: 2 }"));
  ExpectCompleted(reports);
  double lowest = std::numeric_limits<double>::infinity();
  int without = 0;
  for (size_t i = 0; i < reports.epochs.size(); ++i) {
    ASSERT_LT(without, kPatience) << "went on after epoch " << i;
    const double loss = reports.epoch(i).validation_loss();
    without = loss < lowest ? 0 : without + 1;
    lowest = std::min(lowest, loss);
  }
  EXPECT_EQ(without, kPatience);
  EXPECT_LT(reports.epochs.size(), 300u);
}

TEST(TrainerTest, RecordsTheInverseLearningRate) {
  const Reports reports =
      TrainOn(ConfigOf("optimizer { schedule: LEARNING_RATE_SCHEDULE_INVERSE }"));
  ExpectCompleted(reports);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(reports.epoch(i).learning_rate(), 0.01 / static_cast<double>(i + 1), 1e-15);
  }
}

TEST(TrainerTest, RecordsTheWarmedUpLearningRateOfTheLastStep) {
  const Reports reports = TrainOn(ConfigOf("optimizer { warmup_epochs: 2 }"));
  ExpectCompleted(reports);
  EXPECT_NEAR(reports.epoch(0).learning_rate(), 0.005, 1e-15);
  EXPECT_NEAR(reports.epoch(1).learning_rate(), 0.01, 1e-15);
  EXPECT_NEAR(reports.epoch(2).learning_rate(), 0.01, 1e-15);
}

void ExpectReluIsCurrent(const v1::Epoch& epoch) {
  EXPECT_EQ(epoch.validation_relu_loss(), epoch.validation_loss());
  EXPECT_EQ(epoch.validation_relu_accuracy(), epoch.validation_accuracy());
  EXPECT_EQ(epoch.validation_relu_precision(), epoch.validation_precision());
  EXPECT_EQ(epoch.validation_relu_recall(), epoch.validation_recall());
  EXPECT_EQ(epoch.validation_relu_f1(), epoch.validation_f1());
}

TEST(TrainerTest, ReluValidationEqualsValidationAtThetaZero) {
  const Reports relu = TrainOn(ConfigOf());
  for (const v1::EpochReport& report : relu.epochs) ExpectReluIsCurrent(report.epoch());
  const Reports annealed = TrainOn(ConfigOf(kScheduled));
  ExpectReluIsCurrent(annealed.last());
}

TEST(TrainerTest, ValidatesTheReluNetworkSeparatelyAtNonZeroTheta) {
  for (const std::string& norm : {std::string(), std::string("network { batch_norm: true }")}) {
    const Reports reports = TrainOn(ConfigOf("theta { start: 0.6 }", norm));
    ExpectCompleted(reports);
    for (const v1::EpochReport& report : reports.epochs) {
      EXPECT_TRUE(std::isfinite(report.epoch().validation_relu_loss()));
      EXPECT_NE(report.epoch().validation_relu_loss(), report.epoch().validation_loss()) << norm;
    }
  }
}

TEST(TrainerTest, RecordsThePenaltyBesideTheLoss) {
  EXPECT_EQ(TrainOn(ConfigOf()).last().penalty(), 0);
  const v1::TrainingConfig config = ConfigOf("regularizer { l1: 10 l2: 20 }");
  const Reports reports = TrainOn(config);
  ExpectCompleted(reports);
  EXPECT_GT(reports.epoch(0).penalty(), 10);
  EXPECT_LT(reports.epoch(0).train_loss(), 5);
  EXPECT_LT(reports.last().penalty(), reports.epoch(0).penalty());
}

TEST(TrainerTest, TestsTheLastAndTheBestWeightsWithAConfusionMatrixEach) {
  const Reports reports = TrainOn(ConfigOf("epochs: 2 optimizer { learning_rate: 0.001 }"));
  ExpectCompleted(reports);
  ASSERT_EQ(reports.end->completed().test_results_size(), 2);
  EXPECT_EQ(ResultOf(reports, v1::TestResult::WEIGHTS_LAST).epoch(), 2);
  for (const v1::TestResult& result : reports.end->completed().test_results()) {
    ASSERT_EQ(result.confusion_size(), kClasses * kClasses);
    const auto at = [&](int actual, int predicted) {
      return static_cast<double>(result.confusion(actual * kClasses + predicted));
    };
    double right = 0;
    double recall = 0;
    double precision = 0;
    double f1 = 0;
    for (int label = 0; label < kClasses; ++label) {
      double members = 0;
      double predicted = 0;
      for (int other = 0; other < kClasses; ++other) {
        members += at(label, other);
        predicted += at(other, label);
      }
      EXPECT_EQ(members, kTestImages / kClasses);
      const double hits = at(label, label);
      right += hits;
      recall += hits / members / kClasses;
      precision += (predicted > 0 ? hits / predicted : 0) / kClasses;
      f1 += 2 * hits / (members + predicted) / kClasses;
    }
    EXPECT_NEAR(result.accuracy(), right / kTestImages, 1e-12);
    EXPECT_NEAR(result.recall(), recall, 1e-12);
    EXPECT_NEAR(result.precision(), precision, 1e-12);
    EXPECT_NEAR(result.f1(), f1, 1e-12);
    EXPECT_TRUE(std::isfinite(result.loss()));
  }
}

// The best of the epochs from `first` on.
int BestEpochOf(const Reports& reports, int first = 1) {
  auto best = static_cast<size_t>(first - 1);
  for (size_t i = best + 1; i < reports.epochs.size(); ++i) {
    const v1::Epoch& a = reports.epoch(i);
    const v1::Epoch& b = reports.epoch(best);
    if (a.validation_accuracy() > b.validation_accuracy() ||
        (a.validation_accuracy() == b.validation_accuracy() &&
         a.validation_loss() < b.validation_loss())) {
      best = i;
    }
  }
  return static_cast<int>(best) + 1;
}

TEST(TrainerTest, TestOfTheBestEpochMatchesARunThatEndsThere) {
  for (const std::string& change :
       {std::string(), std::string("network { batch_norm: true }"),
        std::string(
            "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_CHANNEL }")}) {
    // High enough a learning rate that the last epoch is not the best, for one of these seeds.
    bool tried = false;
    for (int64_t seed = 1; seed <= 10 && !tried; ++seed) {
      v1::TrainingConfig config = ConfigOf("epochs: 6 optimizer { learning_rate: 0.1 }", change);
      const Reports whole = TrainOn(config, {.seed = seed});
      ExpectCompleted(whole);
      const int best = BestEpochOf(whole);
      const v1::TestResult& best_result = ResultOf(whole, v1::TestResult::WEIGHTS_BEST);
      EXPECT_EQ(best_result.epoch(), best) << change;
      if (best == 6) continue;
      tried = true;
      config.set_epochs(best);
      const Reports cut = TrainOn(config, {.seed = seed});
      v1::TestResult expected = ResultOf(cut, v1::TestResult::WEIGHTS_LAST);
      expected.set_weights(v1::TestResult::WEIGHTS_BEST);
      expected.set_run_epochs(6);
      EXPECT_EQ(whole.end->completed().best_weights_sha256(),
                cut.end->completed().weights_sha256());
      EXPECT_TRUE(Same(best_result, expected)) << change;
    }
    EXPECT_TRUE(tried) << "the last epoch was always the best" << change;
  }
}

// A jump after 3 of 6 epochs: for one of these seeds the best epoch of all is a linear one.
TEST(TrainerTest, BestWeightsAreOfAnEpochAtTheSchedulesEnd) {
  const v1::TrainingConfig config = ConfigOf(
      "epochs: 6 optimizer { learning_rate: 0.02 } theta { policy: THETA_POLICY_SCHEDULED "
      "schedule: THETA_SCHEDULE_JUMP hold: 3 }");
  bool tried = false;
  for (int64_t seed = 1; seed <= 20 && !tried; ++seed) {
    const Reports reports = TrainOn(config, {.seed = seed});
    ExpectCompleted(reports);
    for (size_t i = 0; i < 6; ++i) EXPECT_EQ(reports.epoch(i).eligible(), i >= 3) << i;
    const v1::TestResult& best = ResultOf(reports, v1::TestResult::WEIGHTS_BEST);
    EXPECT_EQ(best.epoch(), BestEpochOf(reports, 4));
    EXPECT_FALSE(best.no_eligible_epoch());
    tried = BestEpochOf(reports) < 4;
  }
  EXPECT_TRUE(tried) << "no linear epoch was the best of all";
}

TEST(TrainerTest, WithoutAnEligibleEpochTheLastIsTheBest) {
  // PLATEAU never moves: the tolerance is 0, and every epoch improves.
  const Reports reports = TrainOn(
      ConfigOf("epochs: 3 theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU "
               "plateau { patience: 100 } }"));
  ExpectCompleted(reports);
  const v1::TestResult& best = ResultOf(reports, v1::TestResult::WEIGHTS_BEST);
  EXPECT_EQ(best.epoch(), 3);
  EXPECT_TRUE(best.no_eligible_epoch());
  EXPECT_FALSE(ResultOf(reports, v1::TestResult::WEIGHTS_LAST).no_eligible_epoch());
  EXPECT_FALSE(reports.epochs[0].checkpoint().best());
  EXPECT_TRUE(reports.epochs[2].checkpoint().best());
}

// Theta reaches its end after epoch 4: no loss falls below a thousandth of the first one.
TEST(TrainerTest, AnExtendedRunDropsTheBestThatNoEligibleEpochHad) {
  const std::string theta =
      "optimizer { learning_rate: 0.0001 } theta { policy: THETA_POLICY_SCHEDULED "
      "schedule: THETA_SCHEDULE_PLATEAU plateau { notch: 1 patience: 3 tolerance: 0.999 } }";
  const Reports whole = TrainOn(ConfigOf("epochs: 6", theta));
  const Reports cut = TrainOn(ConfigOf("epochs: 3", theta));
  ExpectCompleted(cut);
  EXPECT_TRUE(ResultOf(cut, v1::TestResult::WEIGHTS_BEST).no_eligible_epoch());
  const Reports extended =
      TrainOn(ConfigOf("epochs: 6", theta), {.checkpoint = cut.epochs[2].checkpoint().contents()});
  ExpectCompleted(extended);
  const v1::TestResult& best = ResultOf(extended, v1::TestResult::WEIGHTS_BEST);
  EXPECT_EQ(best.epoch(), BestEpochOf(whole, 5));
  EXPECT_FALSE(best.no_eligible_epoch());
  ASSERT_EQ(extended.epochs.size(), 3u);
  EXPECT_FALSE(extended.epochs[0].checkpoint().best());
  EXPECT_TRUE(extended.epochs[1].checkpoint().best()) << "the first eligible epoch";
  EXPECT_TRUE(Same(extended.end->completed(), whole.end->completed()));
}

// Returns the checkpoint as a daemon wrote it for which every epoch could be the best: `best_epoch`
// was, with the weights of the checkpoint `best`, and early stopping counted all epochs.
std::string WithoutEligibility(const v1::Checkpoint& checkpoint, int best_epoch,
                               const v1::Checkpoint& best) {
  model::TrainingState state = model::DecodeCheckpoint(checkpoint.contents()).value();
  state.progress.clear_first_eligible_epoch();
  state.progress.set_best_epoch(best_epoch);
  state.progress.set_best_accuracy(1);
  state.progress.set_best_loss(0);
  state.progress.set_lowest_validation_loss(0);
  state.progress.set_epochs_without_improvement(2);
  state.best_weights = best_epoch == checkpoint.epoch()
                           ? model::Tensors()
                           : model::DecodeCheckpoint(best.contents())->weights;
  return model::EncodeCheckpoint(state);
}

TEST(TrainerTest, OldCheckpointsLoseABestOfAnEpochThatIsNotEligible) {
  // Epochs 4 to 6 are eligible.
  const v1::TrainingConfig config = ConfigOf(
      "epochs: 6 early_stopping { patience: 4 } theta { policy: THETA_POLICY_SCHEDULED "
      "schedule: THETA_SCHEDULE_JUMP hold: 3 }");
  const Reports whole = TrainOn(config);
  ExpectCompleted(whole);
  for (const size_t done : {2, 3, 5}) {
    const v1::Checkpoint& from = whole.epochs[done - 1].checkpoint();
    const Reports rest =
        TrainOn(config, {.checkpoint = WithoutEligibility(from, 2, whole.epochs[1].checkpoint())});
    ExpectCompleted(rest);
    EXPECT_EQ(rest.epochs.size(), 6 - done) << "stopped early by a loss before the jump";
    const v1::TestResult& best = ResultOf(rest, v1::TestResult::WEIGHTS_BEST);
    EXPECT_EQ(best.epoch(), BestEpochOf(whole, std::max(4, static_cast<int>(done) + 1)));
    EXPECT_FALSE(best.no_eligible_epoch());
  }
}

TEST(TrainerTest, OldCheckpointsKeepABestOfAnEligibleEpoch) {
  for (const v1::TrainingConfig& config :
       {ConfigOf("epochs: 6"), ConfigOf("epochs: 6 theta { policy: THETA_POLICY_SCHEDULED "
                                        "schedule: THETA_SCHEDULE_JUMP hold: 3 }")}) {
    const Reports run = TrainOn(config);
    const Reports rest =
        TrainOn(config, {.checkpoint = WithoutEligibility(run.epochs[4].checkpoint(), 4,
                                                          run.epochs[3].checkpoint())});
    ExpectCompleted(rest);
    EXPECT_EQ(ResultOf(rest, v1::TestResult::WEIGHTS_BEST).epoch(), 4);
    EXPECT_EQ(rest.end->completed().best_weights_sha256(),
              model::WeightsDigest(
                  model::DecodeCheckpoint(run.epochs[3].checkpoint().contents())->weights));
  }
}

TEST(TrainerTest, PatienceCountsFromTheFirstEligibleEpoch) {
  // The first eligible epoch, the fourth, counts as an improvement; two without one follow.
  const Reports reports =
      TrainOn(ConfigOf("epochs: 50 early_stopping { patience: 2 min_delta: 1000 } theta { policy: "
                       "THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP hold: 3 }"));
  ExpectCompleted(reports);
  EXPECT_EQ(reports.epochs.size(), 6u);
}

TEST(TrainerTest, SkipsTheTestSplitIfTheConfigSaysSo) {
  const Reports tested = TrainOn(ConfigOf("epochs: 2"));
  const Reports reports = TrainOn(ConfigOf("epochs: 2 evaluation { test: false }"));
  ExpectCompleted(reports);
  EXPECT_EQ(reports.end->completed().test_results_size(), 0);
  EXPECT_EQ(reports.end->completed().weights_sha256().size(), 64u);
  EXPECT_EQ(reports.end->completed().weights_sha256(), tested.end->completed().weights_sha256());
  EXPECT_EQ(reports.end->completed().best_weights_sha256(),
            tested.end->completed().best_weights_sha256());
}

TEST(TrainerTest, TestsTrainableThetasAlsoAtZero) {
  const Reports trainable = TrainOn(ConfigOf("epochs: 2 theta { policy: THETA_POLICY_TRAINABLE }"));
  ExpectCompleted(trainable);
  for (const v1::TestResult& result : trainable.end->completed().test_results()) {
    EXPECT_TRUE(result.has_relu_loss());
    EXPECT_NE(result.relu_loss(), result.loss()) << "theta is near pi/4";
  }
  EXPECT_FALSE(
      ResultOf(TrainOn(ConfigOf("epochs: 1")), v1::TestResult::WEIGHTS_LAST).has_relu_loss());
}

TEST(TrainerTest, ReportsTheClassesOfItsSplits) {
  const Reports reports = TrainOn(ConfigOf("epochs: 1"));
  const v1::SplitSummary& split = reports.started->split();
  ASSERT_EQ(split.test_size(), kClasses);
  int64_t train = 0;
  for (int label = 0; label < kClasses; ++label) {
    EXPECT_EQ(split.test(label), kTestImages / kClasses);
    train += split.train(label) + split.validation(label);
  }
  EXPECT_EQ(train, Tiny().train.count());
  EXPECT_GT(split.validation(0), 0);
}

TEST(TrainerTest, CountsThePredictedClasses) {
  // So strong a penalty leaves nothing but biases, which predict one class.
  const Reports collapsed =
      TrainOn(ConfigOf("epochs: 8 optimizer { learning_rate: 0.05 } regularizer { l1: 10 }"));
  EXPECT_EQ(collapsed.last().validation_predicted_classes(), 1);
  EXPECT_DOUBLE_EQ(collapsed.last().validation_recall(), 1.0 / kClasses);
  EXPECT_GT(TrainOn(ConfigOf("epochs: 8")).last().validation_predicted_classes(), 1);
}

TEST(TrainerTest, SaysWhatItRanOn) {
  const v1::Provenance provenance = TrainOn(ConfigOf("epochs: 1")).started->provenance();
  EXPECT_FALSE(provenance.version().empty());
  EXPECT_FALSE(provenance.compiler().empty());
  EXPECT_THAT(provenance.libtorch(), testing::MatchesRegex("[0-9]+[.][0-9]+.*"));
  EXPECT_FALSE(provenance.simd_target().empty());
  EXPECT_FALSE(provenance.host().empty());
}

const std::string kDiagnostics =
    "diagnostics { activations: true convexity: true hessian_every: 2 probe_size: 40 }";

TEST(TrainerTest, RecordsTheRequestedDiagnostics) {
  const Reports reports = TrainOn(ConfigOf(kScheduled, kDiagnostics));
  ExpectCompleted(reports);
  for (const v1::EpochReport& report : reports.epochs) {
    const v1::Epoch& epoch = report.epoch();
    ASSERT_TRUE(epoch.has_convexity_violations());
    EXPECT_GE(epoch.convexity_violations(), 0);
    EXPECT_LE(epoch.convexity_violations(), 1);
    EXPECT_EQ(epoch.has_hessian_max_eigenvalue(), epoch.epoch() % 2 == 0);
    EXPECT_EQ(epoch.has_hessian_min_eigenvalue(), epoch.epoch() % 2 == 0);
    if (epoch.has_hessian_max_eigenvalue()) {
      EXPECT_GT(epoch.hessian_max_eigenvalue(), 0);
      EXPECT_LT(epoch.hessian_min_eigenvalue(), epoch.hessian_max_eigenvalue());
    }
    ASSERT_EQ(epoch.layers_size(), 3);
    for (int layer = 0; layer < 2; ++layer) {
      ASSERT_TRUE(epoch.layers(layer).has_linear_gap());
      EXPECT_GE(epoch.layers(layer).linear_gap(), 0);
      EXPECT_LE(epoch.layers(layer).linear_gap(), 1);
      ASSERT_TRUE(epoch.layers(layer).has_negative_share());
      EXPECT_GT(epoch.layers(layer).negative_share(), 0);
      EXPECT_LT(epoch.layers(layer).negative_share(), 1);
      // Linear at first, nonlinear at the end.
      if (epoch.epoch() == 1) {
        EXPECT_NEAR(epoch.layers(layer).linear_gap(), 0, 1e-6);
      }
      if (epoch.epoch() == 4) {
        EXPECT_GT(epoch.layers(layer).linear_gap(), 0.05);
      }
    }
    EXPECT_FALSE(epoch.layers(2).has_linear_gap());
    EXPECT_FALSE(epoch.layers(2).has_negative_share());
  }
}

TEST(TrainerTest, DiagnosticsDoNotChangeTheResults) {
  for (const std::string& change :
       {kScheduled, std::string("network { batch_norm: true } ") + kScheduled,
        std::string(
            "theta { policy: THETA_POLICY_TRAINABLE granularity: THETA_GRANULARITY_NEURON }")}) {
    const Reports without = TrainOn(ConfigOf(change));
    ExpectCompleted(without);
    for (const std::string& diagnostics :
         {kDiagnostics, std::string("diagnostics { activations: true probe_size: 40 }"),
          std::string("diagnostics { convexity: true probe_size: 40 }"),
          std::string("diagnostics { hessian_every: 1 probe_size: 40 }")}) {
      const Reports with = TrainOn(ConfigOf(change, diagnostics));
      EXPECT_NE(BitsOf(with), BitsOf(without)) << diagnostics;
      EXPECT_EQ(BitsOf(WithoutDiagnostics(with)), BitsOf(without)) << change << diagnostics;
    }
  }
}

TEST(TrainerTest, BatchNormHandlesALastBatchOfOneImage) {
  // 240 images: 239 and 1.
  const Reports reports = TrainOn(ConfigOf("batch_size: 239 network { batch_norm: true }"));
  ExpectCompleted(reports);
  EXPECT_EQ(reports.last().step(), 8);
}

TEST(TrainerTest, BatchNormWorksWhileThetaAnneals) {
  const Reports reports = TrainOn(ConfigOf("epochs: 6 network { batch_norm: true }", kScheduled));
  ExpectCompleted(reports);
  EXPECT_GT(reports.last().validation_accuracy(), 0.9);
  ExpectReluIsCurrent(reports.last());
}

TEST(TrainerTest, RespectsTheTrainLimit) {
  const Reports reports = TrainOn(ConfigOf("dataset { train_limit: 50 }"));
  ExpectCompleted(reports);
  // 16, 16, 16 and 2 images.
  EXPECT_EQ(reports.epoch(0).step(), 4);
}

}  // namespace
}  // namespace anneal::training
