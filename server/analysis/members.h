// `Members` collects the runs of a comparison: what each counts as, its values, and which of them
// are equal.

#ifndef ANNEAL_SERVER_ANALYSIS_MEMBERS_H_
#define ANNEAL_SERVER_ANALYSIS_MEMBERS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/services.pb.h"
#include "common/metric.h"
#include "common/stats/classification.h"

namespace anneal::analysis {

// Numbers texts: equal ones get the same number, from 0 in the order of their appearance.
class Numbering {
 public:
  int Of(const std::string& text);
  const std::string& TextOf(int number) const { return *texts_[static_cast<size_t>(number)]; }

 private:
  std::map<std::string, int> numbers_;
  std::vector<const std::string*> texts_;  // in the map, whose keys stay in place
};

// A run as a comparison counts it.
struct Member {
  int64_t key = 0;  // in the database
  int64_t seed = 0;
  v1::RunOutcome outcome = v1::RUN_OUTCOME_MISSING;
  bool is_duplicate = false;
  int arm = 0;
  // Equal for runs that are one observation: of the config but for what changes no result, data
  // set and engine.
  int observation = 0;
  // Equal for runs that may be pairs, and that agree in the fields of `within` (pairing.h).
  int pairing = 0;
  int stratum = 0;
  const v1::TrainingConfig* config = nullptr;
  const v1::SplitSummary* split = nullptr;  // null: not recorded
  // Of each metric. NaN: the run has no value. Infinite: worse than every value.
  std::vector<double> values;

  // Counted, unless the question excludes runs that diverged.
  bool diverged() const { return outcome == v1::RUN_OUTCOME_DIVERGED; }
  bool succeeded() const {
    return outcome == v1::RUN_OUTCOME_SUCCEEDED || outcome == v1::RUN_OUTCOME_COLLAPSED;
  }
};

// The scores of always predicting the largest class, for each split of a run.
struct ChanceScores {
  stats::Scores train;
  stats::Scores validation;
  stats::Scores test;
};
ChanceScores ChanceScoresOf(const v1::SplitSummary& split);

// Returns what a run that diverged counts as (MetricOptions.diverged). `chance` is null where the
// run's split is not recorded: then a score counts as the worst.
double ValueOfDiverged(const Metric& metric, const ChanceScores* chance);

// Returns the outcome of a run in this state.
v1::RunOutcome OutcomeOf(v1::RunState state, v1::FailureReason failure, bool collapsed);

// Returns the text of a config without the fields that change no result: diagnostics, checkpoints,
// evaluation, and the engine as requested.
std::string ResultText(const v1::TrainingConfig& config);

// Marks each counted member that repeats an earlier one of its arm: the same observation and seed.
// An earlier one without a value takes the later one's.
void MarkDuplicates(absl::Span<Member> members);

// The value of one seed of an arm, for each stratum: the mean over its observations.
struct SeedValue {
  double sum = 0;
  int count = 0;
  bool has_lost = false;  // a run that diverged has no value

  std::optional<double> Mean() const {
    return count == 0 ? std::nullopt : std::optional<double>(sum / count);
  }
};
// By seed and stratum.
using SeedValues = std::map<int64_t, std::map<int, SeedValue>>;

// Collects the values of a metric, by its index, over the arm's counted members. Without those that
// diverged, if they are excluded.
SeedValues ValuesBySeed(absl::Span<const Member* const> members, size_t metric,
                        bool excludes_diverged);

// Returns the mean over the strata of a seed; nothing without a value, or if a run that diverged
// has none.
std::optional<double> MeanOverStrata(const std::map<int, SeedValue>& strata);

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_MEMBERS_H_
