#include "client/plot/arms.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/named_runs.h"
#include "common/config/field_path.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::plot {
namespace {

constexpr absl::string_view kExperiment = "experiment";
constexpr absl::string_view kPreset = "preset";

// As CompareExperiments names its arms.
absl::StatusOr<std::string> ArmName(const RunData& data, const std::vector<std::string>& by) {
  const v1::Run& run = data.run;
  std::vector<std::string> parts;
  if (by.empty()) {
    parts.push_back(ShortenName(ExperimentOf(run)));
    const std::map<std::string, std::string> sorted(run.parameters().begin(),
                                                    run.parameters().end());
    for (const auto& [field, value] : sorted) parts.push_back(absl::StrCat(field, "=", value));
    return absl::StrJoin(parts, ",");
  }
  std::map<std::string, std::string> values;
  for (const std::string& field : by) {
    if (field == kExperiment) {
      values[field] = ShortenName(ExperimentOf(run));
      continue;
    }
    if (field == kPreset) {
      values[field] = data.preset.empty() ? "-" : data.preset;
      continue;
    }
    const auto value = config::GetField(run.config(), field);
    if (!value.ok()) return InvalidField("--by", std::string(value.status().message()));
    values[field] = *value;
  }
  return absl::StrJoin(values, ",", absl::PairFormatter("="));
}

}  // namespace

absl::StatusOr<std::vector<ArmData>> SortIntoArms(std::vector<RunData> runs,
                                                  const std::vector<std::string>& by) {
  std::vector<ArmData> arms;
  std::map<std::string, size_t> index;
  for (RunData& run : runs) {
    ANNEAL_ASSIGN_OR_RETURN(const std::string name, ArmName(run, by));
    const auto [found, is_new] = index.try_emplace(name, arms.size());
    if (is_new) arms.push_back({.name = name});
    arms[found->second].runs.push_back(std::move(run));
  }
  return arms;
}

absl::StatusOr<std::vector<RunData>> FetchRuns(Connection* connection,
                                               const std::vector<std::string>& names,
                                               bool with_epochs) {
  ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Run> runs,
                          FetchNamedRuns(connection, names, v1::RUN_VIEW_FULL));
  std::map<std::string, std::string> presets;
  for (const std::string& name : ExperimentsOf(runs)) {
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment, connection->GetExperiment(name));
    presets[name] = experiment.preset();
  }
  std::vector<RunData> data;
  for (v1::Run& run : runs) {
    const std::string& preset = presets[ExperimentOf(run)];
    if (!with_epochs) {
      data.push_back({.run = std::move(run), .preset = preset});
      continue;
    }
    if (run.epochs_done() == 0) continue;
    ANNEAL_ASSIGN_OR_RETURN(std::vector<v1::Epoch> epochs,
                            connection->ListEpochs(run.name(), /*limit=*/0));
    data.push_back({.run = std::move(run), .preset = preset, .epochs = std::move(epochs)});
  }
  if (!data.empty()) return data;
  return absl::FailedPreconditionError(
      absl::StrCat("no run of ", absl::StrJoin(names, ", "),
                   " has finished an epoch yet; `anneal watch` follows them"));
}

absl::StatusOr<std::vector<std::vector<v1::ThetaVector>>> FetchLastThetas(
    Connection* connection, const std::vector<ArmData>& arms) {
  std::vector<std::vector<v1::ThetaVector>> thetas;
  for (const ArmData& arm : arms) {
    thetas.emplace_back();
    const RunData& first = arm.runs[0];
    if (first.epochs.back().theta().count() < 2) continue;
    v1::ListThetasRequest request;
    request.set_parent(first.run.name());
    request.set_epoch(first.epochs.back().epoch());
    ANNEAL_ASSIGN_OR_RETURN(thetas.back(), connection->ListThetas(request, /*limit=*/0));
  }
  return thetas;
}

}  // namespace anneal::client::plot
