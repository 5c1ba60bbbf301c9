// Latency inside the server of what people do most, on a large database: 1,000 runs of 100 epochs
// (100,000 epoch rows) and 1,000 experiments. No network: the store and the assembly of responses.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <limits>
#include <memory>
#include <string>

#include "common/config_validation.h"
#include "common/presets.h"
#include "server/store/epoch_store.h"
#include "server/store/experiment_store.h"
#include "server/store/json.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::store {
namespace {

constexpr int kExperiments = 1000;
constexpr int kEpochs = 100;

void CheckOk(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::abort();
}

v1::EpochReport Report(int epoch) {
  v1::EpochReport report;
  v1::Epoch* record = report.mutable_epoch();
  record->set_epoch(epoch);
  record->set_train_loss(1.0 / epoch);
  record->set_validation_loss(1.1 / epoch);
  record->mutable_theta()->set_count(1);
  for (int layer = 0; layer < 4; ++layer) record->add_layers()->set_gradient_norm(0.5);
  v1::ThetaVector* theta = report.add_thetas();
  theta->set_epoch(epoch);
  theta->set_layer(-1);
  theta->add_shape(1);
  theta->add_values(0.5F);
  return report;
}

absl::Status Fill(Transaction& transaction, int number) {
  NewExperiment experiment{.id = "experiment-" + std::to_string(number)};
  *experiment.submission.mutable_config() = ResolveConfig(Presets()[0].config());
  experiment.runs.push_back({.epochs = kEpochs,
                             .parameters_json = "{}",
                             .config_json = ToColumn(experiment.submission.config())});
  ANNEAL_RETURN_IF_ERROR(InsertExperiment(transaction, experiment));
  ANNEAL_ASSIGN_OR_RETURN(
      const int64_t run,
      RunKey(transaction.db(), {.experiment_id = experiment.id, .ordinal = 0}));
  ANNEAL_RETURN_IF_ERROR(ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, 0));
  for (int epoch = 1; epoch <= kEpochs; ++epoch) {
    ANNEAL_RETURN_IF_ERROR(RecordEpoch(transaction, run, 0, Report(epoch)));
  }
  return ChangeRunState(transaction, run, v1::RUN_STATE_SUCCEEDED, 0);
}

// One database for all benchmarks.
Store& Filled() {
  static const TempDirectory& directory = *new TempDirectory();
  static Store& store = *[] {
    auto opened = Store::Open(directory.path());
    CheckOk(opened.status());
    for (int i = 0; i < kExperiments; ++i) {
      CheckOk((*opened)->Write([i](Transaction& transaction) { return Fill(transaction, i); }));
    }
    return opened->release();
  }();
  return store;
}

void HistoryOfARun(benchmark::State& state) {
  Store& store = Filled();
  for (auto _ : state) {
    CheckOk(store.Read([](Connection& db) -> absl::Status {
      ANNEAL_ASSIGN_OR_RETURN(const int64_t run,
                              RunKey(db, {.experiment_id = "experiment-500", .ordinal = 0}));
      ANNEAL_ASSIGN_OR_RETURN(const auto epochs, ListEpochs(db, run, 0, 1000));
      if (epochs.size() != kEpochs) return absl::InternalError("epochs are missing");
      return absl::OkStatus();
    }));
  }
}
BENCHMARK(HistoryOfARun)->Unit(benchmark::kMillisecond);

void ListPageOfExperiments(benchmark::State& state) {
  Store& store = Filled();
  const int page = static_cast<int>(state.range(0));
  for (auto _ : state) {
    CheckOk(store.Read([page](Connection& db) -> absl::Status {
      ANNEAL_ASSIGN_OR_RETURN(const auto listed,
                              ListExperiments(db, std::numeric_limits<int64_t>::max(), page));
      if (static_cast<int>(listed.size()) != page) return absl::InternalError("too few");
      return absl::OkStatus();
    }));
  }
}
BENCHMARK(ListPageOfExperiments)->Arg(50)->Arg(1000)->Unit(benchmark::kMillisecond);

void ListRunsOfAnExperiment(benchmark::State& state) {
  Store& store = Filled();
  for (auto _ : state) {
    CheckOk(store.Read([](Connection& db) -> absl::Status {
      ANNEAL_ASSIGN_OR_RETURN(const int64_t key, ExperimentKey(db, "experiment-500"));
      ANNEAL_ASSIGN_OR_RETURN(
          const auto runs, ListRuns(db, key, "experiment-500", 0, 50, v1::RUN_VIEW_BASIC));
      if (runs.size() != 1) return absl::InternalError("a run is missing");
      return absl::OkStatus();
    }));
  }
}
BENCHMARK(ListRunsOfAnExperiment)->Unit(benchmark::kMillisecond);

void RecordAnEpochDurably(benchmark::State& state) {
  Store& store = Filled();
  static int number = kExperiments;
  int64_t run = 0;
  CheckOk(store.Write([&run](Transaction& transaction) -> absl::Status {
    NewExperiment experiment{.id = "experiment-" + std::to_string(number++)};
    experiment.runs.push_back({.epochs = 1, .parameters_json = "{}", .config_json = "{}"});
    ANNEAL_RETURN_IF_ERROR(InsertExperiment(transaction, experiment));
    ANNEAL_ASSIGN_OR_RETURN(
        run, RunKey(transaction.db(), {.experiment_id = experiment.id, .ordinal = 0}));
    return ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, 0);
  }));
  int epoch = 0;
  for (auto _ : state) {
    const v1::EpochReport report = Report(++epoch);
    CheckOk(store.Write([&](Transaction& transaction) {
      return RecordEpoch(transaction, run, 0, report);
    }));
  }
}
BENCHMARK(RecordAnEpochDurably)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace anneal::store

BENCHMARK_MAIN();
