// Measures latency inside the server on a large database: 1,000 runs of 100 epochs (100,000 epoch
// rows) and 1,000 experiments; and lists with filters and orders over 100,000 runs of 20 epochs.
// Without network: only the store and the assembly of responses.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/presets.h"
#include "common/config/validation.h"
#include "common/filter.h"
#include "common/metric.h"
#include "common/status.h"
#include "server/store/comparison_reader.h"
#include "server/store/epoch_store.h"
#include "server/store/experiment_store.h"
#include "server/store/extreme_store.h"
#include "server/store/list_query.h"
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

template <typename Rows>
void CheckSize(const Rows& rows, int expected) {
  if (static_cast<int>(rows.size()) != expected) CheckOk(absl::InternalError("rows are missing"));
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
  v1::TrainingConfig* const config = experiment.submission.mutable_config();
  *config = config::ResolveConfig(config::Presets()[0].config());
  config->set_epochs(kEpochs);
  experiment.cells = {NewCell({}, *config, {0})};
  ANNEAL_RETURN_IF_ERROR(InsertExperiment(transaction, experiment));
  ANNEAL_ASSIGN_OR_RETURN(const int64_t run,
                          RunKey(transaction.db(), {.experiment_id = experiment.id, .ordinal = 0}));
  ANNEAL_RETURN_IF_ERROR(ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, 0));
  for (int epoch = 1; epoch <= kEpochs; ++epoch) {
    ANNEAL_RETURN_IF_ERROR(RecordEpoch(transaction, run, 0, Report(epoch)));
  }
  return ChangeRunState(transaction, run, v1::RUN_STATE_SUCCEEDED, 0);
}

// One database shared by all benchmarks.
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
    const auto epochs = store.Read([](Connection& db) -> absl::StatusOr<std::vector<v1::Epoch>> {
      ANNEAL_ASSIGN_OR_RETURN(const int64_t run,
                              RunKey(db, {.experiment_id = "experiment-500", .ordinal = 0}));
      return ListEpochs(db, run, 0, 1000);
    });
    CheckOk(epochs.status());
    CheckSize(*epochs, kEpochs);
  }
}
BENCHMARK(HistoryOfARun)->Unit(benchmark::kMillisecond);

void ListPageOfExperiments(benchmark::State& state) {
  Store& store = Filled();
  const int page = static_cast<int>(state.range(0));
  for (auto _ : state) {
    const auto listed = store.Read([page](Connection& db) {
      return ListExperiments(db, {.limit = page}, /*show_deleted=*/false);
    });
    CheckOk(listed.status());
    CheckSize(*listed, page);
  }
}
BENCHMARK(ListPageOfExperiments)->Arg(50)->Arg(1000)->Unit(benchmark::kMillisecond);

void ListRunsOfAnExperiment(benchmark::State& state) {
  Store& store = Filled();
  for (auto _ : state) {
    const auto runs = store.Read([](Connection& db) -> absl::StatusOr<std::vector<ListedRun>> {
      ANNEAL_ASSIGN_OR_RETURN(const int64_t key, ExperimentKey(db, "experiment-500"));
      return ListRuns(db, {.experiment_key = key, .list = {.limit = 50}});
    });
    CheckOk(runs.status());
    CheckSize(*runs, 1);
  }
}
BENCHMARK(ListRunsOfAnExperiment)->Unit(benchmark::kMillisecond);

void RecordAnEpochDurably(benchmark::State& state) {
  Store& store = Filled();
  static int number = kExperiments;
  int64_t run = 0;
  CheckOk(store.Write([&run](Transaction& transaction) -> absl::Status {
    NewExperiment experiment{.id = "experiment-" + std::to_string(number++)};
    experiment.cells = {NewCell({}, config::ResolveConfig({}), {0})};
    ANNEAL_RETURN_IF_ERROR(InsertExperiment(transaction, experiment));
    ANNEAL_ASSIGN_OR_RETURN(
        run, RunKey(transaction.db(), {.experiment_id = experiment.id, .ordinal = 0}));
    return ChangeRunState(transaction, run, v1::RUN_STATE_RUNNING, 0);
  }));
  int epoch = 0;
  for (auto _ : state) {
    const v1::EpochReport report = Report(++epoch);
    CheckOk(store.Write(
        [&](Transaction& transaction) { return RecordEpoch(transaction, run, 0, report); }));
  }
}
BENCHMARK(RecordAnEpochDurably)->Unit(benchmark::kMillisecond);

// Experiments of one run, durable when the write returns.
void InsertDurably(benchmark::State& state) {
  static const TempDirectory& directory = *new TempDirectory();
  static Store& store = *[] {
    auto opened = Store::Open(directory.path());
    CheckOk(opened.status());
    return opened->release();
  }();
  static std::atomic<int> number = 0;
  const NewCell cell({}, config::ResolveConfig(config::Presets()[0].config()), {0});
  for (auto _ : state) {
    NewExperiment experiment{.id = "experiment-" + std::to_string(number++)};
    experiment.cells = {cell};
    CheckOk(store.Write([&experiment](Transaction& transaction) {
      return InsertExperiment(transaction, experiment);
    }));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(InsertDurably)->Threads(1)->Threads(16)->UseRealTime()->Unit(benchmark::kMillisecond);

// A larger database: 100,000 runs in 1,000 experiments of 4 configs, 20 epochs per run, one run in
// ten failed.
class Large {
 public:
  static constexpr int kRunsEach = 100;

  Large() {
    auto opened = Store::Open(directory_.path());
    CheckOk(opened.status());
    store_ = *std::move(opened);
    for (int i = 0; i < kExperiments; ++i) {
      CheckOk(store_->Write([i](Transaction& transaction) { return Add(transaction, i); }));
    }
    CheckOk(store_->Write([](Transaction& transaction) -> absl::Status {
      ANNEAL_RETURN_IF_ERROR(transaction.db().Execute(kRecords));
      return transaction.db().Execute(Extremes());
    }));
  }

  Store& store() { return *store_; }
  const std::string& directory() const { return directory_.path(); }
  void Reopen() {
    store_.reset();
    auto opened = Store::Open(directory_.path());
    CheckOk(opened.status());
    store_ = *std::move(opened);
  }

 private:
  static constexpr absl::string_view kRecords =
      "UPDATE experiments SET pending = 0, failed = 10, succeeded = 90;"
      "WITH RECURSIVE n(epoch) AS (SELECT 1 UNION ALL SELECT epoch + 1 FROM n WHERE epoch < 20)"
      " INSERT INTO epochs (run_id, epoch, elapsed_seconds, epoch_seconds, samples_per_second,"
      " learning_rate, step, train_loss, train_accuracy, train_precision, train_recall, train_f1,"
      " validation_loss, validation_accuracy, validation_precision, validation_recall,"
      " validation_f1, validation_relu_loss, validation_relu_accuracy, validation_relu_precision,"
      " validation_relu_recall, validation_relu_f1, penalty, theta_count, theta_min, theta_q05,"
      " theta_q25, theta_median, theta_q75, theta_q95, theta_max, theta_mean)"
      " SELECT r.run_id, epoch, epoch, 1, 1e4, 1e-3, epoch * 1500, 1, 1, 1, 1, 1,"
      " (r.run_id * 7919 % 10007) / 1e4 + 0.1 / epoch, (r.run_id * 7927 % 10009) / 1e4, 1, 1,"
      " (r.run_id * 7933 % 10037) / 1e4, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0"
      " FROM runs r, n;"
      "UPDATE runs SET state = iif(run_id % 10 = 0, 'FAILED', 'SUCCEEDED'), epochs_done = 20;"
      "INSERT INTO test_results (run_id, weights, epoch, loss, accuracy, precision, recall, f1)"
      " SELECT run_id, 'LAST', 20, 0.1, (run_id * 104729 % 9973) / 1e4, 1, 1, 1 FROM runs"
      " WHERE state = 'SUCCEEDED';";

  // As recording the epochs would have maintained them.
  static std::string Extremes() {
    std::string columns;
    std::string values;
    for (const Metric& metric : ExtremeMetrics()) {
      const bool lowest = metric.pick == Metric::Pick::kMin ||
                          (metric.pick == Metric::Pick::kBest && !metric.higher_is_better());
      absl::StrAppend(&columns, ", ", ExtremeColumn(metric));
      absl::StrAppend(&values, lowest ? ", min(" : ", max(", metric.column, ")");
    }
    return absl::StrCat("INSERT INTO run_extremes (run_id", columns, ") SELECT run_id", values,
                        " FROM epochs GROUP BY run_id");
  }

  static absl::Status Add(Transaction& transaction, int number) {
    NewExperiment experiment{.id = "experiment-" + std::to_string(number)};
    const v1::Preset& preset = config::Presets()[static_cast<size_t>(number % 4)];
    *experiment.submission.mutable_config() = preset.config();
    experiment.submission.set_user("user-" + std::to_string(number % 7));
    experiment.submission.set_priority(number % 5);
    (*experiment.submission.mutable_labels())["team"] = std::to_string(number % 20);
    v1::TrainingConfig config = config::ResolveConfig(preset.config());
    config.set_epochs(20);
    std::vector<int64_t> seeds(kRunsEach);
    std::iota(seeds.begin(), seeds.end(), 0);
    experiment.cells = {NewCell({}, config, seeds)};
    return InsertExperiment(transaction, experiment);
  }

  TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

Large& LargeStore() {
  static Large& large = *new Large();
  return large;
}

// Repeats `read`; the counters are median and 99th percentile in milliseconds.
template <typename Read>
void MeasureLatency(benchmark::State& state, const Read& read) {
  Store& store = LargeStore().store();
  std::vector<double> milliseconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    CheckOk(store.Read(read));
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
            .count());
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  state.counters["p50_ms"] = milliseconds[milliseconds.size() / 2];
  state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
}

ListQuery FirstPage(Listed listed, const std::string& filter_text, const std::string& order_text) {
  const auto filter = ParseFilter(filter_text);
  CheckOk(filter.status());
  const auto order = ParseOrder(order_text);
  CheckOk(order.status());
  auto condition = CompileFilter(listed, *filter);
  CheckOk(condition.status());
  auto terms = CompileOrder(listed, *order);
  CheckOk(terms.status());
  return {.filter = *std::move(condition), .order = *std::move(terms), .limit = 51};
}

void FirstPageOfExperiments(benchmark::State& state, const char* filter, const char* order) {
  const ListQuery query = FirstPage(Listed::kExperiments, filter, order);
  MeasureLatency(state, [&query](Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const auto listed, ListExperiments(db, query, false));
    return listed.size() > 10 ? absl::OkStatus() : absl::InternalError("too few experiments");
  });
}
BENCHMARK_CAPTURE(FirstPageOfExperiments, by_label_and_state, "labels.team = 7 AND state = FAILED",
                  "priority desc, id")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfExperiments, by_config_of_runs, "theta.policy = FIXED", "id desc")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfExperiments, by_metric_of_runs, "test_accuracy > 0.99",
                  "create_time desc")
    ->Unit(benchmark::kMillisecond);

void FirstPageOfRuns(benchmark::State& state, bool of_all, const char* filter, const char* order) {
  RunQuery query = {.list = FirstPage(Listed::kRuns, filter, order)};
  MeasureLatency(state, [&](Connection& db) -> absl::Status {
    if (!of_all) {
      ANNEAL_ASSIGN_OR_RETURN(query.experiment_key, ExperimentKey(db, "experiment-500"));
    }
    ANNEAL_ASSIGN_OR_RETURN(const auto listed, ListRuns(db, query));
    return listed.size() > 10 ? absl::OkStatus() : absl::InternalError("too few runs");
  });
}
BENCHMARK_CAPTURE(FirstPageOfRuns, of_one_by_metric, false, "validation_loss < 0.5",
                  "test_accuracy desc")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_state_and_config, true,
                  "state = FAILED AND theta.policy = FIXED", "")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_metric, true, "test_accuracy > 0.9", "")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_best_first, true, "theta.policy = FIXED",
                  "test_accuracy desc")
    ->Unit(benchmark::kMillisecond);

BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_best_of_epochs, true, "theta.policy = FIXED",
                  "best.validation_accuracy desc")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_lowest_of_epochs, true, "min.validation_loss < 0.1",
                  "")
    ->Unit(benchmark::kMillisecond);
// Of these metrics runs hold no copy.
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_best_without_copy, true, "", "best.validation_f1 desc")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(FirstPageOfRuns, of_all_by_lowest_without_copy, true, "min.validation_f1 < 0.001",
                  "")
    ->Unit(benchmark::kMillisecond);

void FirstPageOfRunsWithMetrics(benchmark::State& state) {
  const RunQuery query = {.list = {.limit = 51}, .metrics = ExtremeMetrics()};
  MeasureLatency(state, [&](Connection& db) { return ListRuns(db, query).status(); });
}
BENCHMARK(FirstPageOfRunsWithMetrics)->Unit(benchmark::kMillisecond);

// Calls `read` with the keys of 100 experiments, which have 10,000 runs of 20 epochs.
template <typename Function>
absl::Status ForExperiments(Connection& db, Function read) {
  for (int i = 0; i < 100; ++i) {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t key, ExperimentKey(db, absl::StrCat("experiment-", i)));
    ANNEAL_RETURN_IF_ERROR(read(key));
  }
  return absl::OkStatus();
}

void ComparedRowsOf10000Runs(benchmark::State& state) {
  std::vector<Metric> metrics;
  for (const char* name : {"validation_accuracy", "validation_relu_accuracy", "test_accuracy",
                           "theta_mean", "elapsed_seconds", "best.validation_accuracy"}) {
    const auto metric = FindRunMetric("metric", name);
    CheckOk(metric.status());
    metrics.push_back(*metric);
  }
  MeasureLatency(state, [&](Connection& db) {
    return ForExperiments(db,
                          [&](int64_t key) { return ListComparedRows(db, key, metrics).status(); });
  });
}
BENCHMARK(ComparedRowsOf10000Runs)->Unit(benchmark::kMillisecond);

void EpochsOf10000Runs(benchmark::State& state) {
  MeasureLatency(state, [](Connection& db) {
    return ForExperiments(db, [&](int64_t key) {
      return ForEachEpoch(db, key, {"validation_loss", "validation_accuracy"},
                          [](const EpochRow& row) { benchmark::DoNotOptimize(row.epoch); });
    });
  });
}
BENCHMARK(EpochsOf10000Runs)->Unit(benchmark::kMillisecond);

void OpenLargeStore(benchmark::State& state) {
  Large& large = LargeStore();
  for (auto _ : state) large.Reopen();
}
BENCHMARK(OpenLargeStore)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace anneal::store

BENCHMARK_MAIN();
