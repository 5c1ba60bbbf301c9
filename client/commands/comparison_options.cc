#include "client/commands/comparison_options.h"

#include <string>
#include <vector>

namespace anneal::client::commands {

void AddGroupingOption(CLI::App* app, v1::CompareExperimentsRequest* request) {
  app->add_option_function<std::vector<std::string>>(
         "--by",
         [request](const std::vector<std::string>& fields) {
           request->mutable_group_by()->Assign(fields.begin(), fields.end());
         },
         "Group runs into arms by fields such as theta.policy, experiment or preset. Default: "
         "experiment and sweep values")
      ->delimiter(',');
}

void AddComparisonOptions(CLI::App* app, v1::CompareExperimentsRequest* request) {
  AddGroupingOption(app, request);
  app->add_option_function<std::vector<std::string>>(
         "--within",
         [request](const std::vector<std::string>& fields) {
           request->mutable_within()->Assign(fields.begin(), fields.end());
         },
         "Pair runs inside each value of fields such as optimizer.learning_rate")
      ->delimiter(',');
  app->add_option("--baseline", *request->mutable_baseline(),
                  "Arm to compare with, by name. Default: the first");
  app->add_option_function<std::string>(
         "--failed",
         [request](const std::string& choice) {
           request->set_diverged(choice == "exclude" ? v1::DIVERGED_RUNS_EXCLUDE
                                                     : v1::DIVERGED_RUNS_IMPUTE);
         },
         "What runs that diverged count as: impute, always predicting the largest class; exclude, "
         "nothing, which can turn a result around")
      ->check(CLI::IsMember({"impute", "exclude"}))
      ->default_str("impute");
}

}  // namespace anneal::client::commands
