#include "server/analysis/members.h"

#include <cmath>
#include <limits>
#include <tuple>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace anneal::analysis {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

const stats::Scores& ScoresOn(v1::MetricOptions::Split split, const ChanceScores& chance) {
  if (split == v1::MetricOptions::SPLIT_TRAIN) return chance.train;
  if (split == v1::MetricOptions::SPLIT_TEST) return chance.test;
  return chance.validation;
}

stats::Scores LargestClass(const google::protobuf::RepeatedField<int64_t>& counts) {
  return stats::LargestClassScores({counts.data(), static_cast<size_t>(counts.size())});
}

// An earlier member takes the values that only its duplicate has.
void FillIn(const Member& from, Member* to) {
  for (size_t i = 0; i < to->values.size(); ++i) {
    if (std::isnan(to->values[i])) to->values[i] = from.values[i];
  }
}

}  // namespace

int Numbering::Of(const std::string& text) {
  const auto [found, is_new] = numbers_.try_emplace(text, static_cast<int>(texts_.size()));
  if (is_new) texts_.push_back(&found->first);
  return found->second;
}

ChanceScores ChanceScoresOf(const v1::SplitSummary& split) {
  return {.train = LargestClass(split.train()),
          .validation = LargestClass(split.validation()),
          .test = LargestClass(split.test())};
}

double ValueOfDiverged(const Metric& metric, const ChanceScores* chance) {
  const double worst = metric.higher_is_better() ? -kInfinity : kInfinity;
  if (metric.diverged == v1::MetricOptions::DIVERGED_UNSPECIFIED) return kNone;
  if (metric.diverged == v1::MetricOptions::DIVERGED_WORST || chance == nullptr) return worst;
  const stats::Scores& scores = ScoresOn(metric.split, *chance);
  switch (metric.diverged) {
    case v1::MetricOptions::DIVERGED_ACCURACY:
      return scores.accuracy;
    case v1::MetricOptions::DIVERGED_PRECISION:
      return scores.precision;
    case v1::MetricOptions::DIVERGED_RECALL:
      return scores.recall;
    default:
      return scores.f1;
  }
}

v1::RunOutcome OutcomeOf(v1::RunState state, v1::FailureReason failure, bool collapsed) {
  if (state == v1::RUN_STATE_SUCCEEDED) {
    return collapsed ? v1::RUN_OUTCOME_COLLAPSED : v1::RUN_OUTCOME_SUCCEEDED;
  }
  const bool diverged = state == v1::RUN_STATE_FAILED && failure == v1::FAILURE_REASON_DIVERGED;
  return diverged ? v1::RUN_OUTCOME_DIVERGED : v1::RUN_OUTCOME_MISSING;
}

std::string ResultText(const v1::TrainingConfig& config) {
  v1::TrainingConfig result = config;
  result.clear_diagnostics();
  result.clear_checkpoint();
  result.clear_evaluation();
  result.clear_engine();
  std::string text;
  google::protobuf::io::StringOutputStream stream(&text);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  result.SerializeToCodedStream(&coded);
  coded.Trim();
  return text;
}

void MarkDuplicates(absl::Span<Member> members) {
  std::map<std::tuple<int, int, int64_t>, Member*> first;
  for (Member& member : members) {
    if (member.outcome == v1::RUN_OUTCOME_MISSING) continue;
    const auto [found, is_new] =
        first.try_emplace({member.arm, member.observation, member.seed}, &member);
    if (is_new) continue;
    member.is_duplicate = true;
    FillIn(member, found->second);
  }
}

SeedValues ValuesBySeed(absl::Span<const Member* const> members, size_t metric,
                        bool excludes_diverged) {
  SeedValues by_seed;
  for (const Member* member : members) {
    const bool is_counted = member->succeeded() || (member->diverged() && !excludes_diverged);
    if (!is_counted || member->is_duplicate) continue;
    const double value = member->values[metric];
    if (std::isnan(value) && !member->diverged()) continue;
    SeedValue& seed = by_seed[member->seed][member->stratum];
    if (std::isnan(value)) {
      seed.has_lost = true;
      continue;
    }
    seed.sum += value;
    ++seed.count;
  }
  return by_seed;
}

std::optional<double> MeanOverStrata(const std::map<int, SeedValue>& strata) {
  double sum = 0;
  int count = 0;
  for (const auto& [stratum, value] : strata) {
    // Without that run's value, the mean would be of the others alone.
    if (value.has_lost) return std::nullopt;
    if (value.count == 0) continue;
    sum += *value.Mean();
    ++count;
  }
  return count == 0 ? std::nullopt : std::optional<double>(sum / count);
}

}  // namespace anneal::analysis
