#include "server/analysis/notes.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace anneal::analysis {
namespace {

constexpr size_t kMaxValues = 4;
constexpr size_t kMaxValueBytes = 40;

std::string Runs(int count) { return absl::StrCat(count, count == 1 ? " run" : " runs"); }
std::string Pairs(int count) { return absl::StrCat(count, count == 1 ? " pair" : " pairs"); }
const char* Verb(int count, const char* one, const char* many) { return count == 1 ? one : many; }

int SumOf(const v1::CompareExperimentsResponse& response, int32_t (v1::Arm::*count)() const) {
  return std::accumulate(response.arms().begin(), response.arms().end(), 0,
                         [count](int sum, const v1::Arm& arm) { return sum + (arm.*count)(); });
}

std::string ImputationNote(int diverged, const Metric& metric) {
  const std::string runs = absl::StrCat(Runs(diverged), " diverged: ");
  switch (metric.diverged) {
    case v1::MetricOptions::DIVERGED_UNSPECIFIED:
      return absl::StrCat(runs, metric.name, " has no value for ", Verb(diverged, "it", "them"),
                          ", and means leave ", Verb(diverged, "it", "them"), " out.");
    case v1::MetricOptions::DIVERGED_WORST:
      return absl::StrCat(runs, "means leave ", Verb(diverged, "it", "them"),
                          " out; medians and P(better) count ", Verb(diverged, "it", "them"),
                          " as worse than every other.");
    default:
      return absl::StrCat(runs, Verb(diverged, "it counts", "they count"),
                          " with the score of always predicting the largest class.");
  }
}

// Returns `epochs (3, 6)`, with the first few values.
std::string FieldText(const std::string& field, const std::set<std::string>& values) {
  std::vector<std::string> shown;
  for (const std::string& value : values) {
    if (value.size() > kMaxValueBytes) return field;  // whole layers, or a digest
    if (shown.size() == kMaxValues) {
      shown.push_back("...");
      break;
    }
    shown.push_back(value);
  }
  return absl::StrCat(field, " (", absl::StrJoin(shown, ", "), ")");
}

std::string FieldTexts(const std::map<std::string, std::set<std::string>>& fields) {
  return absl::StrJoin(fields, " and ", [](std::string* out, const auto& field) {
    absl::StrAppend(out, FieldText(field.first, field.second));
  });
}

std::string WithinRemedy(const std::map<std::string, std::set<std::string>>& fields) {
  return absl::StrJoin(fields, ",", [](std::string* out, const auto& field) {
    out->append(field.first == "dataset_sha256" ? "dataset.name" : field.first);
  });
}

// Says why an arm that could be paired is not.
std::string UnpairedNote(const ArmFacts& facts, const std::string& metric) {
  constexpr char kUnpaired[] = "not paired with the baseline: ";
  if (!facts.has_value)
    return absl::StrCat(kUnpaired, "none of its counted runs has ", metric, ".");
  if (!facts.baseline_has_value) {
    return absl::StrCat(kUnpaired, "none of the baseline's counted runs has ", metric, ".");
  }
  return absl::StrCat(kUnpaired, "no seed in common.");
}

}  // namespace

std::vector<std::string> NotesOf(const v1::CompareExperimentsResponse& response,
                                 const Metric& metric) {
  std::vector<std::string> notes;
  if (const int diverged = SumOf(response, &v1::Arm::diverged); diverged > 0) {
    notes.push_back(
        response.diverged() == v1::DIVERGED_RUNS_EXCLUDE
            ? absl::StrCat(Runs(diverged), " diverged and ", Verb(diverged, "is", "are"),
                           " excluded, as requested: differences can change their sign.")
            : ImputationNote(diverged, metric));
  }
  if (const int missing = SumOf(response, &v1::Arm::missing); missing > 0) {
    notes.push_back(absl::StrCat(Runs(missing), " ", Verb(missing, "is", "are"),
                                 " missing (not ended, cancelled, or failed for the machine's "
                                 "reasons): nothing stands in for ",
                                 Verb(missing, "it", "them"), "."));
  }
  if (const int collapsed = SumOf(response, &v1::Arm::collapsed); collapsed > 0) {
    notes.push_back(absl::StrCat(Runs(collapsed), " collapsed to one predicted class; ",
                                 Verb(collapsed, "its", "their"), " values count as measured."));
  }
  if (const int duplicates = SumOf(response, &v1::Arm::duplicates); duplicates > 0) {
    notes.push_back(absl::StrCat(Runs(duplicates), " ", Verb(duplicates, "repeats", "repeat"),
                                 " others of the same arm and ",
                                 Verb(duplicates, "counts", "count"), " once with them."));
  }
  return notes;
}

std::vector<std::string> ArmNotesOf(const v1::Arm& arm, const ArmFacts& facts,
                                    const std::string& metric, double alpha) {
  std::vector<std::string> notes;
  if (facts.without_value > 0) {
    notes.push_back(absl::StrCat(Runs(facts.without_value), " succeeded without ", metric, " and ",
                                 Verb(facts.without_value, "is", "are"),
                                 " not in its statistics."));
  }
  if (facts.runs_of_a_seed > 1) {
    notes.push_back(absl::StrCat("a seed's value is the mean of up to ", facts.runs_of_a_seed,
                                 " runs with different configs."));
  }
  if (!facts.own_differences.empty()) {
    notes.push_back(absl::StrCat("its runs differ in ", FieldTexts(facts.own_differences), "."));
  }
  if (!facts.differences.empty()) {
    notes.push_back(absl::StrCat(
        "not paired with the baseline: ", FieldTexts(facts.differences),
        Verb(static_cast<int>(facts.differences.size()), " differs", " differ"),
        facts.may_pair_within ? absl::StrCat("; within ", WithinRemedy(facts.differences),
                                             " pairs inside of each value.")
                              : "."));
  } else if (!facts.is_baseline && !facts.has_common_seed) {
    notes.push_back(UnpairedNote(facts, metric));
  }
  if (!arm.has_comparison()) return notes;
  const v1::Comparison& comparison = arm.comparison();
  if (comparison.has_p_value() && comparison.smallest_p_value() > alpha) {
    const int measured = comparison.pairs() - comparison.left_out();
    notes.push_back(absl::StrFormat("n = %d: p ≥ %g, whatever the differences are.", measured,
                                    comparison.smallest_p_value()));
  }
  if (comparison.pairs() == 1) notes.push_back("one pair: no interval.");
  if (comparison.degenerate()) {
    notes.push_back("degenerate interval: all differences are equal.");
  }
  if (comparison.left_out() > 0) {
    notes.push_back(absl::StrCat(Pairs(comparison.left_out()),
                                 " left out of the mean difference, its interval and p, because a "
                                 "run diverged."));
  }
  if (facts.uneven_pairs > 0) {
    notes.push_back(absl::StrCat(Pairs(facts.uneven_pairs), " ",
                                 Verb(facts.uneven_pairs, "averages", "average"),
                                 " over different numbers of runs of the arm and the baseline; "
                                 "within the swept field compares like with like."));
  }
  return notes;
}

}  // namespace anneal::analysis
