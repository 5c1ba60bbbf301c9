// anneal compare shows arms side by side, with paired differences over their seeds.

#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/comparison.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/resource_name.h"

namespace anneal::client::commands {
namespace {

struct CompareOptions {
  std::vector<std::string> names;
  v1::CompareExperimentsRequest request;
  ListOptions list;
};

void PrintDetails(const CompareOptions& options, const v1::CompareExperimentsResponse& response,
                  int arms) {
  if (response.arms_size() > 1) {
    std::cout << "\n"
              << render::MetricWithDirection(response) << ", paired by seed with "
              << response.baseline() << "\n"
              << std::flush;
    PrintTable(render::DifferenceTable(response, arms));
  }
  if (options.request.has_threshold()) {
    std::cout << "\ntime until " << response.threshold_metric() << " reaches "
              << render::Short(options.request.threshold()) << "\n";
    PrintTable(render::TimeTable(response, arms));
  }
}

int Compare(Connection* connection, const CompareOptions& options) {
  v1::CompareExperimentsRequest request = options.request;
  for (const std::string& name : options.names) request.add_names(ExpandName(name));
  const auto response = connection->Compare(request);
  if (!response.ok()) return PrintError(response.status());
  const int limit = options.list.fetch_limit();
  const int arms = limit > 0 ? std::min(limit, response->arms_size()) : response->arms_size();
  const render::Table table = render::ArmTable(*response, arms);
  Listing listing{.table = &table};
  for (int i = 0; i < arms; ++i) {
    listing.messages.push_back(&response->arms(i));
    listing.names.push_back(response->arms(i).name());
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::Arm());
  listing.csv = &csv;
  const int code = Print(options.list, listing);
  if (code == kSuccess && options.list.output == "table" && !options.list.quiet) {
    PrintDetails(options, *response, arms);
  }
  return code;
}

}  // namespace

void AddCompareCommand(CLI::App* app, Globals* globals) {
  CLI::App* compare = app->add_subcommand(
      "compare",
      "Compare arms: means over seeds, and paired differences with confidence intervals");
  const auto options = std::make_shared<CompareOptions>();
  const auto by = std::make_shared<std::vector<std::string>>();
  const auto threshold = std::make_shared<double>(0);
  compare->add_option("experiments", options->names, "Experiments, such as first second")
      ->required();
  compare->add_option("--metric", *options->request.mutable_metric(),
                      "Metric, such as best_test_accuracy, validation_loss or log_loss_area. "
                      "Default: test_accuracy");
  compare
      ->add_option("--by", *by,
                   "Group runs into arms by fields such as theta.policy, experiment or preset. "
                   "Default: experiment and sweep values")
      ->delimiter(',');
  compare->add_option("--baseline", *options->request.mutable_baseline(),
                      "Arm to compare with, by name. Default: the first");
  CLI::Option* threshold_option = compare->add_option(
      "--threshold", *threshold,
      "Also show epochs and seconds until --threshold-metric reaches this value");
  compare
      ->add_option("--threshold-metric", *options->request.mutable_threshold_metric(),
                   "Metric of --threshold. Default: validation_accuracy")
      ->needs(threshold_option);
  AddListOptions(compare, &options->list);
  AddSelectionOptions(compare, &options->list);
  compare->footer("Example: anneal compare rates --by theta.policy --threshold 0.98");
  compare->callback([globals, options, by, threshold, threshold_option] {
    options->request.mutable_group_by()->Assign(by->begin(), by->end());
    if (threshold_option->count() > 0) options->request.set_threshold(*threshold);
    globals->command = [options](Connection* connection) { return Compare(connection, *options); };
  });
}

}  // namespace anneal::client::commands
