// fill_database DIRECTORY creates a daemon's data directory with experiments of 10,000 runs of 10
// epochs that have ended, every hundredth of which diverged: `seeds`, two arms of 5,000 seeds;
// `arms`, 12 arms; `cells`, 1,000 arms of 10 seeds. For comparison.py.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/validation.h"
#include "server/store/epoch_store.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "server/store/test_result_store.h"

namespace anneal::store {
namespace {

constexpr int kRuns = 10'000;
constexpr int kEpochs = 10;
constexpr int kClasses = 10;

void CheckOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

NewExperiment Experiment(const std::string& id, int arms) {
  NewExperiment experiment{.id = id};
  std::vector<int64_t> seeds;
  for (int seed = 0; seed < kRuns / arms; ++seed) seeds.push_back(seed);
  for (int arm = 0; arm < arms; ++arm) {
    v1::TrainingConfig config;
    config.set_epochs(kEpochs);
    const std::string rate = absl::StrCat((arm + 1) * 1e-4);
    config.mutable_optimizer()->set_learning_rate((arm + 1) * 1e-4);
    experiment.cells.emplace_back(
        std::map<std::string, std::string>{{"optimizer.learning_rate", rate}},
        config::ResolveConfig(config), seeds);
  }
  *experiment.submission.mutable_config() = config::ResolveConfig({});
  return experiment;
}

v1::RunStarted Started() {
  v1::RunStarted started;
  started.set_engine("fused");
  started.set_dataset_sha256("data");
  for (int label = 0; label < kClasses; ++label) {
    started.mutable_split()->add_train(5400);
    started.mutable_split()->add_validation(600);
    started.mutable_split()->add_test(1000);
  }
  return started;
}

v1::EpochReport Report(int epoch, double loss) {
  v1::EpochReport report;
  v1::Epoch* record = report.mutable_epoch();
  record->set_epoch(epoch);
  record->set_epoch_seconds(1);
  record->set_elapsed_seconds(epoch);
  record->set_train_loss(loss);
  record->set_validation_loss(1.1 * loss);
  record->set_validation_accuracy(1 / (1 + loss));
  record->set_validation_relu_loss(1.2 * loss);
  record->set_validation_relu_accuracy(1 / (1 + 1.2 * loss));
  record->set_validation_predicted_classes(kClasses);
  record->set_eligible(true);
  record->mutable_theta()->set_count(1);
  for (int layer = 0; layer < 4; ++layer) record->add_layers()->set_gradient_norm(loss);
  return report;
}

v1::TestResult Result(v1::TestResult::Weights weights, double accuracy) {
  v1::TestResult result;
  result.set_weights(weights);
  result.set_epoch(kEpochs);
  result.set_run_epochs(kEpochs);
  result.set_accuracy(accuracy);
  for (int actual = 0; actual < kClasses; ++actual) {
    for (int predicted = 0; predicted < kClasses; ++predicted) {
      result.add_confusion(actual == predicted ? 991 : 1);
    }
  }
  return result;
}

absl::Status FillRun(Transaction& transaction, int64_t run, bool diverges, double scale) {
  ANNEAL_RETURN_IF_ERROR(ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, 0));
  ANNEAL_RETURN_IF_ERROR(RecordStart(transaction, run, Started()));
  for (int epoch = 1; epoch <= (diverges ? 3 : kEpochs); ++epoch) {
    ANNEAL_RETURN_IF_ERROR(RecordEpoch(transaction, run, 0, Report(epoch, scale / epoch)));
  }
  if (diverges) {
    v1::Failure failure;
    failure.set_reason(v1::FAILURE_REASON_DIVERGED);
    return ChangeRunState(transaction, run, v1::RUN_STATE_FAILED, 0, failure);
  }
  for (const auto weights : {v1::TestResult::WEIGHTS_LAST, v1::TestResult::WEIGHTS_BEST}) {
    ANNEAL_RETURN_IF_ERROR(InsertTestResult(transaction, run, Result(weights, 0.99 - scale / 100)));
  }
  return ChangeRunState(transaction, run, v1::RUN_STATE_SUCCEEDED, 0);
}

absl::Status Fill(Store* store, const std::string& id, int arms) {
  const NewExperiment experiment = Experiment(id, arms);
  const int64_t runs = experiment.run_count();
  ANNEAL_RETURN_IF_ERROR(store->Write(
      [&](Transaction& transaction) { return InsertExperiment(transaction, experiment); }));
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> scale(0.2, 0.4);
  for (int64_t first = 0; first < runs; first += 500) {
    CheckOk(store->Write([&](Transaction& transaction) -> absl::Status {
      for (int64_t i = first; i < std::min(runs, first + 500); ++i) {
        ANNEAL_ASSIGN_OR_RETURN(const int64_t run,
                                RunKey(transaction.db(), {.experiment_id = id, .ordinal = i}));
        ANNEAL_RETURN_IF_ERROR(FillRun(transaction, run, i % 100 == 99, scale(random)));
      }
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace anneal::store

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fill_database DIRECTORY\n");
    return 2;
  }
  auto store = anneal::store::Store::Open(argv[1]);
  anneal::store::CheckOk(store.status());
  anneal::store::CheckOk(anneal::store::Fill(store->get(), "seeds", 2));
  anneal::store::CheckOk(anneal::store::Fill(store->get(), "arms", 12));
  anneal::store::CheckOk(anneal::store::Fill(store->get(), "cells", 1000));
  return 0;
}
