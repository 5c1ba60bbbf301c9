#include "server/analysis/epoch_scan.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/stats/comparison.h"
#include "common/status.h"

namespace anneal::analysis {
namespace {

constexpr char kLoss[] = "validation_loss";
constexpr char kReluLoss[] = "validation_relu_loss";

std::vector<int32_t> LongestOf(const std::vector<Member>& members,
                               const std::vector<int32_t>& epochs, size_t arms) {
  std::vector<int32_t> longest(arms);
  for (size_t i = 0; i < members.size(); ++i) {
    int32_t& most = longest[static_cast<size_t>(members[i].arm)];
    most = std::max(most, epochs[i]);
  }
  return longest;
}

}  // namespace

EpochScan::EpochScan(store::Connection* db, const Question* question, std::vector<Metric> metrics,
                     std::vector<Member>* members, const std::vector<int32_t>& epochs, size_t arms)
    : db_(db),
      question_(*question),
      metrics_(std::move(metrics)),
      members_(*members),
      epochs_(epochs),
      curves_(question_.curves, LongestOf(members_, epochs, arms)),
      times_(members_.size()) {
  for (size_t i = 0; i < members_.size(); ++i) member_of_run_[members_[i].key] = i;
  for (const WantedCurve& curve : question_.curves) {
    curve_columns_.push_back(curve.of_layers ? layer_columns_.size() : ColumnIndex(curve.column));
    if (curve.of_layers) layer_columns_.push_back(curve.column);
  }
  if (question_.threshold.has_value()) {
    threshold_column_ = ColumnIndex(question_.threshold_metric.column);
  }
  for (size_t i = 0; i < metrics_.size(); ++i) {
    if (metrics_[i].source != Metric::Source::kLogLossArea) continue;
    const bool is_named = metrics_[i].field != nullptr;
    areas_.push_back({.metric = i,
                      .scheduled_column = ColumnIndex(is_named ? metrics_[i].column : kReluLoss),
                      .column = ColumnIndex(is_named ? metrics_[i].column : kLoss)});
  }
}

size_t EpochScan::ColumnIndex(const std::string& column) {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  const auto index = static_cast<size_t>(found - columns_.begin());
  if (found == columns_.end()) columns_.push_back(column);
  return index;
}

absl::Status EpochScan::Read(int64_t experiment_key) {
  if (!columns_.empty()) {
    ANNEAL_RETURN_IF_ERROR(store::ForEachEpoch(
        *db_, experiment_key, columns_, [this](const store::EpochRow& row) { OnEpoch(row); }));
    FinishAreas();
  }
  if (layer_columns_.empty()) return absl::OkStatus();
  return store::ForEachLayerEpoch(
      *db_, experiment_key, layer_columns_,
      [this](const store::EpochRow& row, int layer) { OnLayer(row, layer); });
}

void EpochScan::OnEpoch(const store::EpochRow& row) {
  const auto found = member_of_run_.find(row.run_key);
  if (found == member_of_run_.end()) return;
  const size_t member = found->second;
  for (size_t i = 0; i < question_.curves.size(); ++i) {
    if (question_.curves[i].of_layers) continue;
    const auto& value = row.values[curve_columns_[i]];
    if (value.has_value()) AddToCurve(member, i, /*layer=*/-1, row.epoch, *value);
  }
  if (question_.threshold.has_value()) ObserveThreshold(row, member);
  if (!areas_.empty()) CollectLosses(row, member);
}

void EpochScan::OnLayer(const store::EpochRow& row, int layer) {
  const auto found = member_of_run_.find(row.run_key);
  if (found == member_of_run_.end()) return;
  for (size_t i = 0; i < question_.curves.size(); ++i) {
    if (!question_.curves[i].of_layers) continue;
    const auto& value = row.values[curve_columns_[i]];
    if (value.has_value()) AddToCurve(found->second, i, layer, row.epoch, *value);
  }
}

void EpochScan::AddToCurve(size_t member, size_t curve, int layer, int32_t epoch, double value) {
  const Member& run = members_[member];
  if (run.is_duplicate || (run.diverged() && question_.excludes_diverged)) return;
  curves_.Add(run.arm, curve, layer, epoch, value);
  if (run.diverged() && epoch == epochs_[member]) {
    curves_.AddDiverged(run.arm, curve, layer, epoch, value);
  }
}

void EpochScan::ObserveThreshold(const store::EpochRow& row, size_t member) {
  TimeReached& time = times_[member];
  const auto& value = row.values[threshold_column_];
  // A run that diverged never gets there, whatever it reached before.
  if (!value.has_value() || members_[member].diverged() || time.epochs <= row.epoch) return;
  const bool reached = question_.threshold_metric.higher_is_better()
                           ? *value >= *question_.threshold
                           : *value <= *question_.threshold;
  if (!reached) return;
  time = {.epochs = static_cast<double>(row.epoch), .seconds = row.elapsed_seconds};
}

void EpochScan::CollectLosses(const store::EpochRow& row, size_t member) {
  if (member != present_member_) FinishAreas();
  present_member_ = member;
  const bool is_scheduled = members_[member].config->theta().policy() == v1::THETA_POLICY_SCHEDULED;
  for (Area& area : areas_) {
    const auto& loss = row.values[is_scheduled ? area.scheduled_column : area.column];
    if (loss.has_value()) area.losses.push_back(*loss);
  }
}

void EpochScan::FinishAreas() {
  for (Area& area : areas_) {
    if (area.losses.empty()) continue;
    Member& member = members_[present_member_];
    if (member.succeeded()) member.values[area.metric] = stats::LogLossArea(area.losses);
    area.losses.clear();
  }
}

}  // namespace anneal::analysis
