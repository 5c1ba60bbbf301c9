#include "common/config/sweep.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/config/field_path.h"
#include "common/config/validation.h"
#include "common/status.h"

namespace anneal::config {
namespace {

// Enough to correct in one round; a request may have many more.
constexpr size_t kMostViolations = 100;

// Limits on the configs of all cells, and on the parameters of all runs.
constexpr size_t kMostConfigBytes = size_t{128} << 20;
constexpr size_t kMostParameterBytes = size_t{64} << 20;
// Upper bound on the config bytes that one byte of a value takes.
constexpr size_t kConfigBytesPerText = 20;

// Checks the memory that the product would need before building it.
absl::Status CheckMemory(const v1::Experiment& experiment, int64_t runs, int64_t seeds) {
  size_t text = 0;  // upper bound for the parameters of a cell
  for (const v1::SweepAxis& axis : experiment.axes()) {
    size_t longest = 0;
    for (const std::string& value : axis.values()) longest = std::max(longest, value.size());
    text += axis.field().size() + longest;
  }
  const size_t config = experiment.config().SpaceUsedLong() + kConfigBytesPerText * text;
  if (config * static_cast<size_t>(runs / seeds) > kMostConfigBytes) {
    return InvalidField("config", absl::StrCat("takes ", config, " bytes in each of ", runs / seeds,
                                               " cells; at most ", kMostConfigBytes,
                                               " in total are allowed, so reduce the config or the "
                                               "number of values"));
  }
  if (text * static_cast<size_t>(runs) > kMostParameterBytes) {
    return InvalidField(
        "axes", absl::StrCat("have up to ", text, " bytes in each of ", runs, " runs; at most ",
                             kMostParameterBytes, " in total are allowed, so shorten the values"));
  }
  return absl::OkStatus();
}

void CheckSeeds(const std::vector<int64_t>& seeds, FieldViolations* violations) {
  std::set<int64_t> distinct;
  std::set<int64_t> repeated;
  for (const int64_t seed : seeds) {
    if (!distinct.insert(seed).second && repeated.insert(seed).second) {
      violations->Add("seeds", absl::StrCat("has ", seed, " twice; remove the duplicate"));
    }
    if (violations->size() >= kMostViolations) return;
  }
}

// Validates an axis by itself: its field, and each value of it by setting it in `scratch`.
void CheckAxis(const v1::SweepAxis& axis, const std::string& place, v1::TrainingConfig* scratch,
               FieldViolations* violations) {
  if (axis.field().empty()) {
    violations->Add(place + ".field", "is empty; name a field, such as epochs");
    return;
  }
  if (axis.values().empty()) {
    violations->Add(place + ".values",
                    absl::StrCat("has no values for ", axis.field(), "; list one or more"));
  }
  std::set<std::string> distinct;
  std::set<std::string> repeated;
  for (const std::string& value : axis.values()) {
    if (!distinct.insert(value).second && repeated.insert(value).second) {
      violations->Add(place + ".values", absl::StrCat("has ", axis.field(), "=", value,
                                                      " twice; remove the duplicate"));
    }
    if (violations->size() >= kMostViolations) break;
  }
  const bool known = FindField(*v1::TrainingConfig::descriptor(), axis.field()) != nullptr;
  for (const std::string& value : distinct) {
    const absl::Status set = SetField(scratch, axis.field(), value);
    if (set.ok()) continue;
    violations->AddUnder("", AtField(place + (known ? ".values" : ".field"), set));
    if (!known) break;  // the other values would repeat it
    if (violations->size() >= kMostViolations) break;
  }
}

// Validates axes and seeds, and the size of the product before building it.
absl::Status CheckSweep(const v1::Experiment& experiment) {
  FieldViolations violations;
  const std::vector<int64_t> seeds = SeedsOf(experiment);
  auto runs = static_cast<int64_t>(seeds.size());
  std::set<std::string> fields;
  v1::TrainingConfig scratch = experiment.config();
  for (int i = 0; i < experiment.axes_size() && violations.size() < kMostViolations; ++i) {
    const v1::SweepAxis& axis = experiment.axes(i);
    const std::string place = absl::StrCat("axes.", i);
    CheckAxis(axis, place, &scratch, &violations);
    if (!axis.field().empty() && !fields.insert(axis.field()).second) {
      violations.Add(place, absl::StrCat("sweeps ", axis.field(), " again; merge the two axes"));
    }
    if (runs <= kMaxRunsPerExperiment) runs *= axis.values_size();
  }
  CheckSeeds(seeds, &violations);
  if (runs > kMaxRunsPerExperiment) {
    violations.Add("axes", absl::StrCat("times seeds make more than ", kMaxRunsPerExperiment,
                                        " runs; reduce the number of values or seeds"));
  }
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  return CheckMemory(experiment, runs, static_cast<int64_t>(seeds.size()));
}

}  // namespace

std::vector<int64_t> SeedsOf(const v1::Experiment& experiment) {
  if (experiment.seeds().empty()) return {0};
  return {experiment.seeds().begin(), experiment.seeds().end()};
}

absl::StatusOr<std::vector<SweepCell>> ExpandSweep(const v1::Experiment& experiment) {
  ANNEAL_RETURN_IF_ERROR(CheckSweep(experiment));
  std::vector<SweepCell> cells(1);
  cells[0].config = experiment.config();
  for (int i = 0; i < experiment.axes_size(); ++i) {
    const v1::SweepAxis& axis = experiment.axes(i);
    const bool known = FindField(*v1::TrainingConfig::descriptor(), axis.field()) != nullptr;
    const std::string place = absl::StrCat("axes.", i, known ? ".values" : ".field");
    std::vector<SweepCell> product;
    for (const SweepCell& cell : cells) {
      for (const std::string& value : axis.values()) {
        SweepCell& next = product.emplace_back(cell);
        ANNEAL_RETURN_IF_ERROR(AtField(place, SetField(&next.config, axis.field(), value)));
        next.parameters[axis.field()] = value;
      }
    }
    cells = std::move(product);
  }
  for (SweepCell& cell : cells) cell.config = ResolveConfig(std::move(cell.config));
  return cells;
}

}  // namespace anneal::config
