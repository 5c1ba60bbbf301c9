#include "client/report/reproduce.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/exporters/fields.h"
#include "common/config/text.h"
#include "common/config/validation.h"
#include "common/resource_name.h"

namespace anneal::client::report {
namespace {

using Align = render::Table::Align;

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

std::string CommitText(const v1::Provenance& provenance) {
  constexpr size_t kShort = 12;
  if (provenance.git_commit().empty()) return "-";
  return absl::StrCat(provenance.git_commit().substr(0, kShort),
                      provenance.git_dirty() ? " + uncommitted changes" : "");
}

}  // namespace

std::string SeedsText(const google::protobuf::RepeatedField<int64_t>& seeds) {
  bool is_range = seeds.size() > 1;
  for (int i = 1; i < seeds.size(); ++i) is_range = is_range && seeds[i] - seeds[i - 1] == 1;
  return is_range ? absl::StrCat(seeds[0], "..", seeds[seeds.size() - 1])
                  : absl::StrJoin(seeds, ",");
}

std::string SubmitCommand(const Submission& submission) {
  const v1::Experiment& experiment = submission.experiment;
  std::string options;
  for (const v1::SweepAxis& axis : experiment.axes()) {
    absl::StrAppend(
        &options, " --sweep ",
        exporters::ShellWord(absl::StrCat(axis.field(), "=", absl::StrJoin(axis.values(), ","))));
  }
  if (!experiment.seeds().empty()) {
    absl::StrAppend(&options, " --seeds ", SeedsText(experiment.seeds()));
  }
  const std::optional<std::string> fields =
      exporters::SubmitArguments(experiment.preset(), submission.base, experiment.config());
  if (fields.has_value()) return absl::StrCat("anneal submit", *fields, options);
  return absl::StrCat("anneal submit --file -", options, " <<'END'\n",
                      config::ToTextFormat(experiment.config()), "END");
}

std::string ExtendCommands(const v1::Run& run) {
  if (run.extended_from().empty()) return "";
  std::vector<int32_t> lengths(run.extended_from().begin() + 1, run.extended_from().end());
  lengths.push_back(run.epochs_total());
  const std::string name = ShortenName(run.name());
  std::string commands;
  for (const int32_t epochs : lengths) {
    absl::StrAppend(&commands, "anneal wait ", name, " && anneal extend ", name, " --epochs ",
                    epochs, "\n");
  }
  return commands;
}

std::string ExtendedFilter(const v1::Experiment& experiment) {
  int32_t least = config::ResolveConfig(experiment.config()).epochs();
  for (const v1::SweepAxis& axis : experiment.axes()) {
    if (axis.field() != "epochs") continue;
    for (int i = 0; i < axis.values_size(); ++i) {
      int32_t epochs = 0;
      if (!absl::SimpleAtoi(axis.values(i), &epochs)) continue;
      least = i == 0 ? epochs : std::min(least, epochs);
    }
  }
  return absl::StrCat("epochs_total > ", least);
}

render::Table BuildTable(const std::vector<Submission>& submissions) {
  std::map<std::string, std::pair<const v1::Provenance*, int>> kinds;
  for (const Submission& submission : submissions) {
    for (const v1::Run& run : submission.examined) {
      for (const v1::Attempt& attempt : run.attempt_log()) {
        if (!attempt.has_provenance()) continue;
        auto& [provenance, attempts] = kinds[attempt.provenance().SerializeAsString()];
        provenance = &attempt.provenance();
        ++attempts;
      }
    }
  }
  render::Table table({{"version", "ANNEAL", Align::kLeft},
                       {"commit", "COMMIT", Align::kLeft},
                       {"compiler", "COMPILER", Align::kLeft},
                       {"libtorch", "LIBTORCH", Align::kLeft},
                       {"simd", "VECTORS", Align::kLeft},
                       {"cpu", "CPU", Align::kLeft},
                       {"host", "HOST", Align::kLeft},
                       {"worker", "WORKER", Align::kLeft},
                       {"attempts", "ATTEMPTS"}});
  for (const auto& [key, kind] : kinds) {
    const auto& [provenance, attempts] = kind;
    table.AddRow({OrDash(provenance->version()), CommitText(*provenance),
                  OrDash(provenance->compiler()), OrDash(provenance->libtorch()),
                  OrDash(provenance->simd_target()), OrDash(provenance->cpu_model()),
                  OrDash(provenance->host()), OrDash(provenance->worker()),
                  absl::StrCat(attempts)});
  }
  return table;
}

std::set<std::string> DataAndEngines(const std::vector<Submission>& submissions) {
  std::set<std::string> texts;
  for (const Submission& submission : submissions) {
    for (const v1::Run& run : submission.examined) {
      if (run.dataset_sha256().empty()) continue;
      texts.insert(absl::StrCat(run.config().dataset().name(), " with SHA-256 ",
                                run.dataset_sha256(), ", trained by engine ", run.engine()));
    }
  }
  return texts;
}

}  // namespace anneal::client::report
