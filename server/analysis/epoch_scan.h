// `EpochScan` computes what takes all epochs of the runs of a comparison, in one pass over each
// experiment: curves, times to a threshold, and areas under the logarithm of a loss.

#ifndef ANNEAL_SERVER_ANALYSIS_EPOCH_SCAN_H_
#define ANNEAL_SERVER_ANALYSIS_EPOCH_SCAN_H_

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "server/analysis/curves.h"
#include "server/analysis/members.h"
#include "server/analysis/question.h"
#include "server/store/comparison_reader.h"
#include "server/store/store.h"

namespace anneal::analysis {

// When a run first reached the threshold; infinite if it never did.
struct TimeReached {
  double epochs = std::numeric_limits<double>::infinity();
  double seconds = std::numeric_limits<double>::infinity();
};

// Not thread-safe.
class EpochScan {
 public:
  // Borrows all but `metrics`, those of the members' values. The members may not move meanwhile;
  // `epochs` are the numbers of their epochs.
  EpochScan(store::Connection* db, const Question* question, std::vector<Metric> metrics,
            std::vector<Member>* members, const std::vector<int32_t>& epochs, size_t arms);

  // True if the question needs epochs.
  bool is_needed() const { return !columns_.empty() || !layer_columns_.empty(); }

  // Reads the epochs of an experiment's runs, and sets their values of log_loss_area.
  absl::Status Read(int64_t experiment_key);

  const TimeReached& TimeOf(size_t member) const { return times_[member]; }
  void FillCurves(int arm, v1::Arm* to) const { curves_.Fill(arm, to); }

 private:
  // A metric that is an area, with the columns of its loss: where theta has a schedule, and else.
  struct Area {
    size_t metric = 0;  // of metrics_
    size_t scheduled_column = 0;
    size_t column = 0;
    std::vector<double> losses;  // of the present member
  };
  size_t ColumnIndex(const std::string& column);
  void OnEpoch(const store::EpochRow& row);
  void OnLayer(const store::EpochRow& row, int layer);
  void AddToCurve(size_t member, size_t curve, int layer, int32_t epoch, double value);
  void ObserveThreshold(const store::EpochRow& row, size_t member);
  // Collects the losses of one run after the other; the areas are set when a run ends.
  void CollectLosses(const store::EpochRow& row, size_t member);
  void FinishAreas();

  store::Connection* const db_;
  const Question& question_;
  const std::vector<Metric> metrics_;
  std::vector<Member>& members_;
  const std::vector<int32_t> epochs_;  // of the members
  absl::flat_hash_map<int64_t, size_t> member_of_run_;
  std::vector<std::string> columns_;        // of epochs
  std::vector<std::string> layer_columns_;  // of layers
  CurveSums curves_;
  std::vector<TimeReached> times_;
  std::vector<size_t> curve_columns_;  // of each curve of epochs or layers
  size_t threshold_column_ = 0;
  std::vector<Area> areas_;
  size_t present_member_ = 0;
};

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_EPOCH_SCAN_H_
