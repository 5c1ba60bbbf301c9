#include "server/training/model/theta_summary.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "common/stats/statistics.h"

namespace anneal::training::model {

v1::ThetaSummary SummarizeThetas(
    const google::protobuf::RepeatedPtrField<v1::ThetaVector>& thetas) {
  std::vector<float> sorted;
  for (const v1::ThetaVector& theta : thetas) {
    sorted.insert(sorted.end(), theta.values().begin(), theta.values().end());
  }
  std::sort(sorted.begin(), sorted.end());
  const double sum = std::accumulate(sorted.begin(), sorted.end(), 0.0);
  v1::ThetaSummary summary;
  summary.set_count(static_cast<int64_t>(sorted.size()));
  summary.set_min(sorted.front());
  summary.set_q05(stats::Quantile(sorted, 0.05));
  summary.set_q25(stats::Quantile(sorted, 0.25));
  summary.set_median(stats::Quantile(sorted, 0.5));
  summary.set_q75(stats::Quantile(sorted, 0.75));
  summary.set_q95(stats::Quantile(sorted, 0.95));
  summary.set_max(sorted.back());
  summary.set_mean(sum / static_cast<double>(sorted.size()));
  return summary;
}

}  // namespace anneal::training::model
