// anneal explain shows the fields of the config and the metrics of runs, from their schemas. It
// needs no daemon.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/field_help.h"
#include "client/render/metric_help.h"
#include "client/render/terminal.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/metric.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

// The name that stands for all metrics.
constexpr const char* kAllMetrics = "metrics";

int UnknownName(const std::string& name) {
  std::vector<std::string> names = RunMetricNames();
  for (const config::SchemaField& field : config::Schema()) names.push_back(field.path);
  return PrintError(InvalidField(name, absl::StrCat("is an unknown field; did you mean ",
                                                    config::NearNames(name, names), "?")));
}

// Returns the metrics that the name stands for; none if it is no metric.
std::vector<Metric> MetricsNamed(const std::string& name) {
  std::vector<Metric> metrics;
  if (name == kAllMetrics) {
    for (const std::string& one : RunMetricNames()) metrics.push_back(RunMetric(one));
  } else if (const auto metric = FindRunMetric("metric", name); metric.ok()) {
    metrics.push_back(*metric);
  }
  return metrics;
}

bool IsPlainText(const ListOptions& options) {
  return options.output == "table" && !options.quiet && options.columns.empty() &&
         options.filter.empty() && options.sort.empty();
}

template <typename Items>
void KeepFirst(const ListOptions& options, Items* items) {
  const auto limit = static_cast<size_t>(options.fetch_limit());
  if (limit > 0 && items->size() > limit) items->resize(limit);
}

int ExplainMetrics(const std::string& name, std::vector<Metric> metrics,
                   const ListOptions& options) {
  if (name != kAllMetrics && IsPlainText(options)) {
    std::cout << render::MetricHelp(metrics.front());
    return kSuccess;
  }
  KeepFirst(options, &metrics);
  const render::Table table = render::MetricTable(metrics);
  const render::Table csv = render::MetricCsv(metrics);
  std::vector<render::MetricRecord> records;
  records.reserve(metrics.size());
  Listing listing{.table = &table, .csv = &csv};
  for (const Metric& metric : metrics) {
    records.push_back(render::RecordOf(metric));
    listing.messages.push_back(&records.back());
    listing.names.push_back(metric.name);
  }
  return Print(options, listing);
}

int Explain(const std::string& name, const ListOptions& options) {
  const config::SchemaField* field = nullptr;
  if (!name.empty()) {
    field = config::FindSchemaField(name);
    const std::vector<Metric> metrics =
        field == nullptr ? MetricsNamed(name) : std::vector<Metric>();
    if (!metrics.empty()) return ExplainMetrics(name, metrics, options);
    if (field == nullptr) return UnknownName(name);
  }
  auto fields = render::FieldsBelow(field == nullptr ? "" : field->path);
  KeepFirst(options, &fields);
  if (field != nullptr && IsPlainText(options)) {
    std::cout << render::FieldHelp(*field);
    if (!field->is_message()) return kSuccess;
    std::cout << "\n";
  }
  const render::Table table =
      render::FieldTable(fields, /*complete=*/render::TerminalOf(stdout).width == 0);
  const render::Table csv = render::FieldCsv(fields);
  std::vector<render::FieldRecord> records;
  records.reserve(fields.size());
  Listing listing{.table = &table, .csv = &csv};
  for (const config::SchemaField* one : fields) {
    records.push_back(render::RecordOf(*one));
    listing.messages.push_back(&records.back());
    listing.names.push_back(one->path);
  }
  return Print(options, listing);
}

}  // namespace

void AddExplainCommand(CLI::App* app, Globals* globals) {
  CLI::App* explain =
      app->add_subcommand("explain", "Explain the fields of the config and the metrics");
  const auto field = std::make_shared<std::string>();
  const auto markdown = std::make_shared<bool>(false);
  const auto options = std::make_shared<ListOptions>();
  CLI::Option* const one = explain->add_option(
      "field", *field,
      "A field such as theta.schedule, or theta for all in it; a metric such as "
      "validation_accuracy, or metrics for all. Default: all fields");
  AddListOptions(explain, options.get());
  AddSelectionOptions(explain, options.get());
  // For docs/config.md; an empty group hides it.
  explain->add_flag("--markdown", *markdown, "Print docs/config.md")->group("")->excludes(one);
  explain->footer("Example: anneal explain theta.schedule");
  explain->callback([globals, field, markdown, options] {
    globals->local_command = [field, markdown, options] {
      if (!*markdown) return Explain(*field, *options);
      std::cout << render::ConfigMarkdown();
      return kSuccess;
    };
  });
}

}  // namespace anneal::client::commands
