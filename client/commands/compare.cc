// anneal compare: arms side by side, and what sets them apart over their seeds.

#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/commands/command.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/resource_name.h"

namespace anneal::client {
namespace {

using Align = render::Table::Align;

struct CompareOptions {
  std::vector<std::string> names;
  v1::CompareExperimentsRequest request;
  ListOptions list;
};

// Shares are shown in per cent, like the accuracies beside them.
bool IsShare(const std::string& metric) {
  for (const char* share : {"accuracy", "precision", "recall", "f1"}) {
    if (absl::EndsWith(metric, share)) return true;
  }
  return false;
}

std::string Signed(double value, bool percent) {
  return percent ? absl::StrFormat("%+.2f", 100 * value)
                 : absl::StrCat(value >= 0 ? "+" : "", render::Short(value));
}

std::string MedianOf(bool is_set, double value) { return is_set ? render::Short(value) : "-"; }

render::Table Overview(const v1::CompareExperimentsResponse& response, int arms) {
  render::Table table({{"arm", "ARM", Align::kLeft},
                       {"preset", "PRESET", Align::kLeft},
                       {"runs", "RUNS"},
                       {"validation_accuracy", "VAL ACC %"},
                       {"validation_relu_accuracy", "AT θ=0 %"},
                       {"test_accuracy", "TEST ACC %"},
                       {"theta", "FINAL θ"},
                       {"epoch_seconds", "S/EPOCH"}});
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    table.AddRow({arm.name(), arm.preset().empty() ? "-" : arm.preset(),
                  absl::StrCat(arm.succeeded(), "/", arm.total()),
                  render::MeanOf(arm.validation_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.validation_relu_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.test_accuracy(), /*percent=*/true),
                  render::MeanOf(arm.theta(), /*percent=*/false),
                  render::MeanOf(arm.epoch_seconds(), /*percent=*/false)});
  }
  return table;
}

render::Table Differences(const v1::CompareExperimentsResponse& response, int arms) {
  const bool percent = IsShare(response.metric());
  render::Table table({{"arm", "ARM", Align::kLeft},
                       {"value", absl::StrCat(response.metric(), percent ? " %" : "")},
                       {"pairs", "PAIRS"},
                       {"difference", "DIFFERENCE"},
                       {"interval", "95 % INTERVAL", Align::kLeft},
                       {"better", "P(BETTER)"},
                       {"p", "P"},
                       {"holm", "P (HOLM)"}});
  for (int i = 0; i < arms; ++i) {
    const v1::Arm& arm = response.arms(i);
    const std::string value = render::MeanOf(arm.value(), percent);
    if (!arm.has_comparison()) {
      table.AddRow({arm.name(), value, "-", arm.name() == response.baseline() ? "baseline" : "-",
                    "", "-", "-", "-"});
      continue;
    }
    const v1::Comparison& c = arm.comparison();
    table.AddRow({arm.name(), value, absl::StrCat(c.pairs()), Signed(c.difference(), percent),
                  absl::StrCat("[", Signed(c.difference_low(), percent), ", ",
                               Signed(c.difference_high(), percent), "]"),
                  absl::StrFormat("%.2f", c.probability_of_improvement()),
                  absl::StrFormat("%.3f", c.p_value()), absl::StrFormat("%.3f", c.holm_p_value())});
  }
  return table;
}

render::Table Times(const v1::CompareExperimentsResponse& response, int arms) {
  render::Table table({{"arm", "ARM", Align::kLeft},
                       {"reached", "REACHED"},
                       {"never", "NEVER"},
                       {"epochs", "MEDIAN EPOCHS"},
                       {"seconds", "MEDIAN SECONDS"}});
  for (int i = 0; i < arms; ++i) {
    const v1::TimeToThreshold& times = response.arms(i).time_to_threshold();
    table.AddRow({response.arms(i).name(), absl::StrCat(times.reached()),
                  absl::StrCat(times.censored()),
                  MedianOf(times.has_median_epochs(), times.median_epochs()),
                  MedianOf(times.has_median_seconds(), times.median_seconds())});
  }
  return table;
}

void PrintDetails(const CompareOptions& options, const v1::CompareExperimentsResponse& response,
                  int arms) {
  if (response.arms_size() > 1) {
    std::cout << "\n"
              << response.metric() << " (" << (response.higher_is_better() ? "higher" : "lower")
              << " is better), paired by seed with " << response.baseline() << "\n"
              << Differences(response, arms).ToText();
  }
  if (options.request.has_threshold()) {
    const std::string metric = options.request.threshold_metric().empty()
                                   ? "validation_accuracy"
                                   : options.request.threshold_metric();
    std::cout << "\nuntil " << metric << " is " << render::Short(options.request.threshold())
              << "\n"
              << Times(response, arms).ToText();
  }
}

int Compare(Connection* connection, const CompareOptions& options) {
  v1::CompareExperimentsRequest request = options.request;
  for (const std::string& name : options.names) request.add_names(ExpandName(name));
  const auto response = connection->Compare(request);
  if (!response.ok()) return Complain(response.status());
  const int limit = options.list.limit;
  const int arms = limit > 0 ? std::min(limit, response->arms_size()) : response->arms_size();
  const render::Table table = Overview(*response, arms);
  Listing listing{.table = &table};
  for (int i = 0; i < arms; ++i) {
    listing.messages.push_back(&response->arms(i));
    listing.names.push_back(response->arms(i).name());
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::Arm());
  listing.csv = &csv;
  Print(options.list, listing);
  if (options.list.output == "table" && !options.list.quiet) {
    PrintDetails(options, *response, arms);
  }
  return kSuccess;
}

}  // namespace

void AddCompareCommand(CLI::App* app, Globals* globals) {
  CLI::App* compare = app->add_subcommand(
      "compare", "Arms side by side: means over seeds, paired differences with their intervals");
  const auto options = std::make_shared<CompareOptions>();
  const auto by = std::make_shared<std::vector<std::string>>();
  const auto threshold = std::make_shared<double>(0);
  compare->add_option("experiments", options->names, "Such as first second")->required();
  compare->add_option("--metric", *options->request.mutable_metric(),
                      "What is compared, such as best_test_accuracy, validation_loss or "
                      "log_loss_area. Default: test_accuracy");
  compare
      ->add_option("--by", *by,
                   "What makes an arm: fields such as theta.policy, experiment, preset. "
                   "Default: experiment and sweep values")
      ->delimiter(',');
  compare->add_option("--baseline", *options->request.mutable_baseline(),
                      "The arm to compare with, by its name. Default: the first");
  CLI::Option* threshold_option = compare->add_option(
      "--threshold", *threshold, "Also count epochs and seconds until --threshold-metric is this");
  compare
      ->add_option("--threshold-metric", *options->request.mutable_threshold_metric(),
                   "Default: validation_accuracy")
      ->needs(threshold_option);
  AddListOptions(compare, &options->list);
  compare->footer("Example: anneal compare rates --by theta.policy --threshold 0.98");
  compare->callback([globals, options, by, threshold, threshold_option] {
    options->request.mutable_group_by()->Assign(by->begin(), by->end());
    if (threshold_option->count() > 0) options->request.set_threshold(*threshold);
    globals->command = [options](Connection* connection) { return Compare(connection, *options); };
  });
}

}  // namespace anneal::client
