// `CurveSums` averages metrics over the runs of each arm, epoch by epoch.

#ifndef ANNEAL_SERVER_ANALYSIS_CURVES_H_
#define ANNEAL_SERVER_ANALYSIS_CURVES_H_

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "anneal/v1/services.pb.h"
#include "server/analysis/question.h"

namespace anneal::analysis {

// Adds values one at a time (Welford 1962). Not thread-safe.
class RunningMean {
 public:
  void Add(double value) {
    ++count_;
    const double delta = value - mean_;
    mean_ += delta / count_;
    squares_ += delta * (value - mean_);
  }
  int count() const { return count_; }
  double mean() const { return mean_; }
  // Divisor count - 1; 0 for fewer than two values.
  double StandardDeviation() const;

 private:
  int count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

// The curves of all arms. Takes memory for at most about kMaxCurvePoints points, however long the
// runs are: of longer curves it keeps every k-th epoch, and the last.
class CurveSums {
 public:
  // The epochs of the arms' longest runs.
  CurveSums(std::vector<WantedCurve> curves, const std::vector<int32_t>& longest);

  // Adds an epoch of a run: of a metric by its index; layer -1 for metrics of epochs.
  void Add(int arm, size_t curve, int layer, int32_t epoch, double value);
  // Marks the last epoch of a run that diverged.
  void AddDiverged(int arm, size_t curve, int layer, int32_t epoch, double value);

  // Appends the arm's curves that have a point.
  void Fill(int arm, v1::Arm* to) const;

 private:
  struct Points {
    std::map<int32_t, RunningMean> by_epoch;
    std::vector<v1::CurveEnd> diverged;
  };
  bool Keeps(int arm, int32_t epoch) const;

  const std::vector<WantedCurve> curves_;
  const std::vector<int32_t> longest_;
  int32_t stride_ = 1;
  // By arm, curve and layer.
  std::map<std::tuple<int, size_t, int>, Points> points_;
};

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_CURVES_H_
