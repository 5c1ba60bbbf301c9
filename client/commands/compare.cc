// anneal compare shows arms side by side, with paired differences over their seeds.

#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/commands/command.h"
#include "client/render/comparison.h"
#include "client/render/format.h"
#include "client/render/terminal.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

// Legends are not wrapped to less than this, however narrow the terminal is.
constexpr size_t kLeastWidth = 40;

struct CompareOptions {
  std::vector<std::string> names;
  v1::CompareExperimentsRequest request;
  bool explain = false;
  ListOptions list;
};

// Returns the width of text; 0 for a file or a pipe, where lines are not wrapped.
size_t TextWidth() {
  const size_t width = render::TerminalOf(stdout).width;
  return width == 0 ? 0 : std::max(kLeastWidth, width);
}

void PrintTitle(const std::string& title) {
  if (!title.empty()) std::cout << render::Wrapped(title, TextWidth()) << "\n" << std::flush;
}

void PrintSentences(const std::vector<std::string>& sentences) {
  for (const std::string& sentence : sentences) {
    std::cout << render::Wrapped(sentence, TextWidth(), /*indent=*/2) << "\n";
  }
}

// Prints a table that --columns does not select from.
void PrintTableBelow(const render::Table& table) {
  const size_t width = render::TerminalOf(stdout).width;
  if (width == 0) {
    std::cout << table.ToText();
    return;
  }
  std::vector<std::string> left_out;
  std::cout << table.ToText(width, &left_out) << std::flush;
  if (left_out.empty()) return;
  std::cerr << "(columns that do not fit: " << absl::StrJoin(left_out, ", ")
            << "; --output csv has all)\n";
}

void PrintNotes(const v1::CompareExperimentsResponse& response, int arms) {
  std::vector<std::string> notes = render::Notes(response, arms);
  if (notes.empty()) return;
  std::cout << "\nNotes\n";
  for (std::string& note : notes) note.insert(0, "- ");
  PrintSentences(notes);
}

void PrintExplanation(const v1::CompareExperimentsResponse& response) {
  for (const std::string& paragraph : render::Explanation(response)) {
    std::cout << "\n" << render::Wrapped(paragraph, TextWidth()) << "\n";
  }
}

// Prints what stands around and below the table of the arms.
void PrintDetails(const CompareOptions& options, const v1::CompareExperimentsResponse& response,
                  int arms) {
  PrintSentences(render::ArmLegend(response, arms));
  if (response.arms_size() > 1) {
    std::cout << "\n";
    PrintTitle(render::DifferenceTitle(response));
    PrintTableBelow(render::DifferenceTable(response, arms));
    PrintSentences(render::DifferenceLegend(response, arms));
  }
  if (options.request.has_threshold()) {
    std::cout << "\n";
    PrintTitle(render::TimeTitle(response, options.request.threshold()));
    PrintTableBelow(render::TimeTable(response, arms));
    PrintSentences(render::TimeLegend(response));
  }
  PrintNotes(response, arms);
  if (options.explain) PrintExplanation(response);
}

// Returns true if the options select, sort or filter by a test result, which is a look at it.
bool LooksAtTestResults(const ListOptions& options) {
  return absl::StrContains(
      absl::StrCat(options.sort, " ", options.filter, " ", absl::StrJoin(options.columns, " ")),
      "test_");
}

int Compare(Connection* connection, const CompareOptions& options) {
  const bool is_text = options.list.output == "table" && !options.list.quiet;
  if (options.explain && !is_text) {
    return PrintError(InvalidField("--explain", "applies to --output table only; omit it"));
  }
  v1::CompareExperimentsRequest request = options.request;
  for (const std::string& name : options.names) request.add_names(ExpandName(name));
  // Named in the request, so that the daemon logs the look.
  if (LooksAtTestResults(options.list)) request.add_run_metrics("test_accuracy");
  auto response = connection->Compare(request);
  if (!response.ok()) return PrintError(response.status());
  const int limit = options.list.fetch_limit();
  const int arms = limit > 0 ? std::min(limit, response->arms_size()) : response->arms_size();
  const render::Table table = render::ArmTable(*response, arms);
  if (!is_text) render::NoteExclusion(&*response);
  Listing listing{.table = &table};
  for (int i = 0; i < arms; ++i) {
    listing.messages.push_back(&response->arms(i));
    listing.names.push_back(response->arms(i).name());
  }
  const render::Table csv = render::ArmCsv(listing.messages);
  listing.csv = &csv;
  if (is_text) PrintTitle(render::ArmTitle(*response));
  const int code = Print(options.list, listing);
  if (code == kSuccess && is_text) PrintDetails(options, *response, arms);
  return code;
}

}  // namespace

void AddCompareCommand(CLI::App* app, Globals* globals) {
  CLI::App* compare = app->add_subcommand(
      "compare",
      "Compare arms: means over seeds, and paired differences with confidence intervals");
  const auto options = std::make_shared<CompareOptions>();
  const auto by = std::make_shared<std::vector<std::string>>();
  const auto within = std::make_shared<std::vector<std::string>>();
  const auto failed = std::make_shared<std::string>("impute");
  const auto threshold = std::make_shared<double>(0);
  compare->add_option("experiments", options->names, "Experiments, such as first second")
      ->required();
  compare->add_option("--metric", *options->request.mutable_metric(),
                      "Metric, such as best.validation_accuracy, validation_loss or log_loss_area; "
                      "naming one of the test split is a look at test results, which is logged. "
                      "Default: validation_accuracy");
  compare
      ->add_option("--by", *by,
                   "Group runs into arms by fields such as theta.policy, experiment or preset. "
                   "Default: experiment and sweep values")
      ->delimiter(',');
  compare
      ->add_option("--within", *within,
                   "Pair runs inside each value of fields such as optimizer.learning_rate")
      ->delimiter(',');
  compare->add_option("--baseline", *options->request.mutable_baseline(),
                      "Arm to compare with, by name. Default: the first");
  compare
      ->add_option("--failed", *failed,
                   "What runs that diverged count as: impute, always predicting the largest class; "
                   "exclude, nothing, which can turn a result around")
      ->check(CLI::IsMember({"impute", "exclude"}))
      ->capture_default_str();
  CLI::Option* threshold_option = compare->add_option(
      "--threshold", *threshold,
      "Also show epochs and seconds until --threshold-metric reaches this value");
  compare
      ->add_option("--threshold-metric", *options->request.mutable_threshold_metric(),
                   "Metric of --threshold. Default: validation_accuracy")
      ->needs(threshold_option);
  compare->add_flag("--explain", options->explain,
                    "Also explain how runs are counted, paired and tested");
  AddListOptions(compare, &options->list);
  AddSelectionOptions(compare, &options->list);
  compare->footer("Example: anneal compare rates --by theta.policy --threshold 0.98");
  compare->callback([globals, options, by, within, failed, threshold, threshold_option] {
    options->request.mutable_group_by()->Assign(by->begin(), by->end());
    options->request.mutable_within()->Assign(within->begin(), within->end());
    options->request.set_diverged(*failed == "exclude" ? v1::DIVERGED_RUNS_EXCLUDE
                                                       : v1::DIVERGED_RUNS_IMPUTE);
    if (threshold_option->count() > 0) options->request.set_threshold(*threshold);
    globals->command = [options](Connection* connection) { return Compare(connection, *options); };
  });
}

}  // namespace anneal::client::commands
