#include "server/analysis/pairing.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/config/field_path.h"
#include "common/stats/comparison.h"
#include "common/stats/statistics.h"

namespace anneal::analysis {
namespace {

constexpr absl::string_view kDatasetHash = "dataset_sha256";
constexpr const char* kFields[] = {"dataset.name",        "dataset.validation_fraction",
                                   "dataset.train_limit", "network.layers",
                                   "network.batch_norm",  "epochs"};

// Sets the exempt fields to the values of `reference`, so that they are equal everywhere.
v1::TrainingConfig WithExempt(v1::TrainingConfig config, const v1::TrainingConfig& reference,
                              const std::set<std::string>& exempt) {
  for (const std::string& path : exempt) {
    const auto value = config::GetField(reference, path);
    // A field that the reference lacks has nothing to agree with.
    if (value.ok() && *value != "-") config::SetField(&config, path, *value).IgnoreError();
  }
  return config;
}

bool ExemptsDataset(const std::set<std::string>& exempt) {
  return exempt.contains("dataset") || exempt.contains("dataset.name");
}

// The values of both arms at a common seed. Infinite ones are worse than every value.
struct Pair {
  double arm = 0;
  double baseline = 0;
  bool is_even = true;    // averages over equal numbers of runs
  bool has_lost = false;  // a run that diverged has no value
};

// Averages of the same values differ by this much, relative to them, if summed in another order.
constexpr double kRounding = 1e-12;

// Averages both arms over the strata that both have at this seed.
std::optional<Pair> PairOf(const std::map<int, SeedValue>& arm,
                           const std::map<int, SeedValue>& baseline) {
  Pair pair;
  int strata = 0;
  for (const auto& [stratum, value] : arm) {
    const auto other = baseline.find(stratum);
    if (other == baseline.end()) continue;
    if (value.has_lost || other->second.has_lost) return Pair{.has_lost = true};
    if (value.count == 0 || other->second.count == 0) continue;
    pair.arm += *value.Mean();
    pair.baseline += *other->second.Mean();
    pair.is_even = pair.is_even && value.count == other->second.count;
    ++strata;
  }
  if (strata == 0) return std::nullopt;
  pair.arm /= strata;
  pair.baseline /= strata;
  const bool is_finite = std::isfinite(pair.arm) && std::isfinite(pair.baseline);
  if (is_finite && std::abs(pair.arm - pair.baseline) <= kRounding * std::abs(pair.arm)) {
    pair.baseline = pair.arm;
  }
  return pair;
}

// The difference of two values of which both may be infinite: two runs that are worse than every
// value do not differ.
double Difference(const Pair& pair) {
  return pair.arm == pair.baseline ? 0 : pair.arm - pair.baseline;
}

bool IsMeasured(const Pair& pair) {
  return std::isfinite(pair.arm) && std::isfinite(pair.baseline);
}

void SetMeanDifference(const std::vector<double>& differences, v1::Comparison* comparison) {
  if (differences.empty()) return;
  comparison->set_difference(stats::Mean(differences));
  comparison->set_interquartile_mean_difference(stats::InterquartileMean(differences));
  comparison->set_p_value(stats::SignFlipPValue(differences));
  if (const auto effect = stats::EffectSize(differences)) comparison->set_effect_size(*effect);
  const auto interval = stats::MeanInterval(differences);
  if (!interval.has_value()) return;
  comparison->set_difference_low(interval->low);
  comparison->set_difference_high(interval->high);
  comparison->set_degenerate(interval->degenerate);
  comparison->set_interval_method(interval->method == stats::Interval::Method::kT
                                      ? v1::Interval::METHOD_T
                                      : v1::Interval::METHOD_BCA);
}

}  // namespace

PairingFields PairingFieldsOf(const v1::TrainingConfig& config, const std::string& dataset_sha256) {
  PairingFields fields = {.dataset_sha256 = dataset_sha256};
  *fields.config.mutable_dataset() = config.dataset();
  *fields.config.mutable_network()->mutable_layers() = config.network().layers();
  fields.config.mutable_network()->set_batch_norm(config.network().batch_norm());
  fields.config.set_epochs(config.epochs());
  return fields;
}

std::string PairingText(const PairingFields& fields) {
  return absl::StrCat(fields.dataset_sha256, "\n", ResultText(fields.config));
}

std::map<std::string, std::set<std::string>> DifferingFields(
    const std::vector<const PairingFields*>& fields, const std::set<std::string>& exempt) {
  std::map<std::string, std::set<std::string>> values;
  for (const PairingFields* one : fields) {
    const v1::TrainingConfig config = WithExempt(one->config, fields[0]->config, exempt);
    for (const char* field : kFields) {
      values[field].insert(config::GetField(config, field).value_or("-"));
    }
    // Data sets of different names differ in their hashes too.
    if (!ExemptsDataset(exempt)) {
      values[std::string(kDatasetHash)].insert(one->dataset_sha256);
    }
  }
  if (values["dataset.name"].size() > 1) values.erase(std::string(kDatasetHash));
  std::erase_if(values, [](const auto& field) { return field.second.size() < 2; });
  return values;
}

std::optional<PairedComparison> CompareTwo(const SeedValues& arm, const SeedValues& baseline,
                                           bool higher_is_better) {
  PairedComparison paired;
  std::vector<double> arm_values;
  std::vector<double> baseline_values;
  std::vector<double> all;       // differences, with infinite ones
  std::vector<double> measured;  // without them
  size_t lost = 0;               // pairs without any value
  for (const auto& [seed, strata] : arm) {
    const auto other = baseline.find(seed);
    if (other == baseline.end()) continue;
    const std::optional<Pair> pair = PairOf(strata, other->second);
    if (!pair.has_value()) continue;
    if (pair->has_lost) {
      ++lost;
      continue;
    }
    arm_values.push_back(pair->arm);
    baseline_values.push_back(pair->baseline);
    all.push_back(Difference(*pair));
    if (IsMeasured(*pair)) measured.push_back(all.back());
    if (!pair->is_even) ++paired.uneven;
  }
  if (all.empty()) return std::nullopt;
  v1::Comparison& comparison = paired.comparison;
  comparison.set_pairs(static_cast<int32_t>(all.size() + lost));
  comparison.set_left_out(static_cast<int32_t>(all.size() + lost - measured.size()));
  comparison.set_probability_of_improvement(
      stats::ProbabilityOfImprovement(arm_values, baseline_values, higher_is_better));
  comparison.set_smallest_p_value(stats::SmallestSignFlipPValue(measured.size()));
  const double median = stats::Median(all);
  if (std::isfinite(median)) comparison.set_median_difference(median);
  SetMeanDifference(measured, &comparison);
  return paired;
}

}  // namespace anneal::analysis
