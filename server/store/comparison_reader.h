// These functions read what a comparison takes of the runs of an experiment: with one statement for
// each kind of row, however many runs there are.

#ifndef ANNEAL_SERVER_STORE_COMPARISON_READER_H_
#define ANNEAL_SERVER_STORE_COMPARISON_READER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "anneal/v1/config.pb.h"
#include "anneal/v1/resources.pb.h"
#include "common/metric.h"
#include "server/store/connection.h"

namespace anneal::store {

struct ComparedRow {
  int64_t key = 0;
  int64_t ordinal = 0;
  int64_t seed = 0;
  v1::RunState state = v1::RUN_STATE_UNSPECIFIED;
  v1::FailureReason failure = v1::FAILURE_REASON_UNSPECIFIED;
  std::map<std::string, std::string> parameters;  // the cell's sweep values by field path
  int64_t config_key = 0;
  int64_t split_key = 0;  // 0: not recorded
  std::string dataset_sha256;
  std::string engine;
  int32_t epochs_done = 0;
  bool collapsed = false;
  // Of each metric; nothing where the run does not have it.
  std::vector<std::optional<double>> values;
};
// Lists the runs of an experiment in the order of their numbers. Test results are those of runs
// that have succeeded. log_loss_area has no values here: it takes the losses of all epochs.
absl::StatusOr<std::vector<ComparedRow>> ListComparedRows(Connection& db, int64_t experiment_key,
                                                          const std::vector<Metric>& metrics);

// Configs and splits by their keys in the database, which are valid for one snapshot. Runs share
// them, so that thousands of runs cost few parses.
using SharedConfigs = std::map<int64_t, v1::TrainingConfig>;
using SharedSplits = std::map<int64_t, v1::SplitSummary>;
// Read those of an experiment's runs that are not in the map yet. DATA_LOSS: one cannot be read.
absl::Status ReadConfigs(Connection& db, int64_t experiment_key, SharedConfigs* configs);
absl::Status ReadSplits(Connection& db, int64_t experiment_key, SharedSplits* splits);

// Of one epoch, or of one layer of it.
struct EpochRow {
  int64_t run_key = 0;
  int32_t epoch = 0;
  double elapsed_seconds = 0;
  std::vector<std::optional<double>> values;  // of each column
};
// Calls `visit` with the epochs of all runs of an experiment, in the order of runs and epochs, one
// row in memory at a time. `columns` are those of metrics of epochs (common/metric.h);
// INVALID_ARGUMENT for others.
absl::Status ForEachEpoch(Connection& db, int64_t experiment_key,
                          const std::vector<std::string>& columns,
                          absl::FunctionRef<void(const EpochRow&)> visit);
// The same for layers, which are numbered from 0, with columns of v1::LayerMetrics.
absl::Status ForEachLayerEpoch(Connection& db, int64_t experiment_key,
                               const std::vector<std::string>& columns,
                               absl::FunctionRef<void(const EpochRow&, int layer)> visit);

// Calls `visit` with every cell of the confusion matrices of the experiment's runs that have
// succeeded: in the order of runs, then row-major.
absl::Status SumConfusions(
    Connection& db, int64_t experiment_key, v1::TestResult::Weights weights,
    absl::FunctionRef<void(int64_t run_key, int actual, int predicted, int64_t images)> visit);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_COMPARISON_READER_H_
