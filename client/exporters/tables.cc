#include "client/exporters/tables.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/exporters/output_file.h"
#include "client/named_runs.h"
#include "client/render/flatten.h"
#include "client/render/table.h"
#include "common/enum_name.h"
#include "common/json_text.h"
#include "common/metric.h"
#include "common/number_text.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::exporters {
namespace {

using Cells = std::vector<std::string>;

// Returns the columns of epochs in the order of `anneal history --output csv`: those of every
// epoch, then as many layers as the deepest run has.
Cells EpochColumns(const std::vector<v1::Run>& runs) {
  int layers = 0;
  for (const v1::Run& run : runs) layers = std::max(layers, run.last_epoch().layers_size());
  v1::Epoch widest;
  for (int i = 0; i < layers; ++i) widest.add_layers();
  return render::FlatTable({&widest}, v1::Epoch()).keys();
}

Cells EpochsHeader(const Cells& epoch_columns) {
  Cells header = {"run", "seed"};
  header.insert(header.end(), epoch_columns.begin(), epoch_columns.end());
  return header;
}

Cells ThetasHeader() { return {"run", "epoch", "layer", "channel", "row", "column", "theta"}; }

Cells ConfusionHeader() {
  return {"run", "weights", "run_epochs", "actual", "predicted", "images"};
}

template <typename Message>
std::vector<const google::protobuf::Message*> Pointers(const std::vector<Message>& items) {
  std::vector<const google::protobuf::Message*> pointers;
  for (const Message& item : items) pointers.push_back(&item);
  return pointers;
}

// Inserts the short names of `items` as the first column.
template <typename Message>
void InsertKey(const char* key, const std::vector<Message>& items, render::Table* table) {
  Cells names;
  for (const Message& item : items) names.push_back(ShortenName(item.name()));
  table->InsertColumn(0, {key, key}, std::move(names));
}

// Appends a column with the text of each run.
template <typename TextOf>
void AppendColumn(const std::string& key, const std::vector<v1::Run>& runs, TextOf text_of,
                  render::Table* table) {
  Cells cells;
  for (const v1::Run& run : runs) cells.push_back(text_of(run));
  table->InsertColumn(table->columns().size(), {key, key}, std::move(cells));
}

const char* BoolText(bool value) { return value ? "true" : "false"; }

bool IsDiverged(const v1::Run& run) {
  return run.state() == v1::RUN_STATE_FAILED &&
         run.failure().reason() == v1::FAILURE_REASON_DIVERGED;
}

// What CompareExperiments counts a run as.
void AppendOutcomes(const std::vector<v1::Run>& runs, render::Table* table) {
  AppendColumn(
      "diverged", runs, [](const v1::Run& run) { return BoolText(IsDiverged(run)); }, table);
  AppendColumn(
      "missing", runs,
      [](const v1::Run& run) {
        return BoolText(run.state() != v1::RUN_STATE_SUCCEEDED && !IsDiverged(run));
      },
      table);
}

std::string SumText(const google::protobuf::RepeatedField<int64_t>& counts) {
  return counts.empty() ? ""
                        : absl::StrCat(std::accumulate(counts.begin(), counts.end(), int64_t{0}));
}

// Numbers of images: of each part of the split, then of each of its classes.
void AppendSplit(const std::vector<v1::Run>& runs, render::Table* table) {
  using Counts = google::protobuf::RepeatedField<int64_t>;
  static constexpr std::pair<const char*, const Counts& (v1::SplitSummary::*)() const> kParts[] = {
      {"split_train", &v1::SplitSummary::train},
      {"split_validation", &v1::SplitSummary::validation},
      {"split_test", &v1::SplitSummary::test}};
  for (const auto& [name, counts] : kParts) {
    int classes = 0;
    for (const v1::Run& run : runs) classes = std::max(classes, (run.split().*counts)().size());
    AppendColumn(
        name, runs, [&](const v1::Run& run) { return SumText((run.split().*counts)()); }, table);
    for (int c = 0; c < classes; ++c) {
      AppendColumn(
          absl::StrCat(name, "_", c), runs,
          [&](const v1::Run& run) {
            const Counts& own = (run.split().*counts)();
            return c < own.size() ? absl::StrCat(own.Get(c)) : "";
          },
          table);
    }
  }
}

// Of the last attempt.
void AppendProvenance(const std::vector<v1::Run>& runs, render::Table* table) {
  const size_t first = table->columns().size();
  for (const auto& [name, unused] : render::Flatten(v1::Provenance())) {
    const size_t field = table->columns().size() - first;
    AppendColumn(
        absl::StrCat("provenance_", name), runs,
        [field](const v1::Run& run) -> std::string {
          if (run.attempt_log().empty()) return "";
          const v1::Attempt& last = *run.attempt_log().rbegin();
          return last.has_provenance() ? render::Flatten(last.provenance())[field].second : "";
        },
        table);
  }
}

void AppendExtremes(const std::vector<v1::Run>& runs, render::Table* table) {
  for (const Metric& metric : ExtremeMetrics()) {
    const auto value_of = [&metric](const v1::Run& run) -> const v1::MetricValue* {
      const auto found = run.metrics().find(metric.name);
      return found == run.metrics().end() ? nullptr : &found->second;
    };
    AppendColumn(
        metric.name, runs,
        [&](const v1::Run& run) {
          const v1::MetricValue* value = value_of(run);
          return value == nullptr ? "" : NumberText(value->value());
        },
        table);
    AppendColumn(
        metric.name + ".epoch", runs,
        [&](const v1::Run& run) {
          const v1::MetricValue* value = value_of(run);
          return value == nullptr ? "" : absl::StrCat(value->epoch());
        },
        table);
  }
}

Cells EpochCells(const v1::Run& run, const v1::Epoch& epoch, const Cells& columns) {
  Cells cells = {ShortenName(run.name()), absl::StrCat(run.seed())};
  const auto flat = render::Flatten(epoch);
  const std::map<std::string, std::string> values(flat.begin(), flat.end());
  for (const std::string& column : columns) {
    const auto found = values.find(column);
    cells.push_back(found == values.end() ? "" : found->second);
  }
  return cells;
}

void WriteThetas(const v1::Run& run, const v1::ThetaVector& theta, OutputFile* file) {
  const int rows = theta.shape_size() == 3 ? theta.shape(1) : 1;
  const int columns = theta.shape_size() == 3 ? theta.shape(2) : 1;
  for (int i = 0; i < theta.values_size(); ++i) {
    const bool is_map = theta.shape_size() == 3;
    file->Write(render::CsvLine(
        {ShortenName(run.name()), absl::StrCat(theta.epoch()), absl::StrCat(theta.layer()),
         absl::StrCat(i / (rows * columns)), is_map ? absl::StrCat(i / columns % rows) : "",
         is_map ? absl::StrCat(i % columns) : "", NumberText(theta.values(i))}));
  }
}

void WriteConfusion(const v1::Run& run, const v1::TestResult& result, OutputFile* file) {
  const int classes = result.classes_size();
  for (int i = 0; i < result.confusion_size(); ++i) {
    file->Write(render::CsvLine({ShortenName(run.name()), EnumName(result.weights()),
                                 absl::StrCat(result.run_epochs()), absl::StrCat(i / classes),
                                 absl::StrCat(i % classes), absl::StrCat(result.confusion(i))}));
  }
}

absl::Status WriteTable(const render::Table& table, const std::string& path) {
  OutputFile file("--out", path);
  file.Write(table.ToCsv());
  return file.Finish();
}

absl::StatusOr<std::vector<v1::ThetaVector>> ThetasOf(Connection* connection, const v1::Run& run) {
  v1::ListThetasRequest request;
  request.set_parent(run.name());
  return connection->ListThetas(request, /*limit=*/0);
}

void WriteMessages(absl::string_view key, const auto& messages, OutputFile* file) {
  file->Write(absl::StrCat(", \"", key, "\": ["));
  absl::string_view separator = "\n";
  for (const auto& message : messages) {
    file->Write(absl::StrCat(separator, ToJson(message, {.unset_fields = true})));
    separator = ",\n";
  }
  file->Write("]");
}

absl::Status WriteRunJson(Connection* connection, const v1::Run& run, OutputFile* file) {
  file->Write(absl::StrCat("{\"run\": ", ToJson(run, {.unset_fields = true})));
  ANNEAL_ASSIGN_OR_RETURN(const auto epochs, connection->ListEpochs(run.name(), /*limit=*/0));
  WriteMessages("epochs", epochs, file);
  ANNEAL_ASSIGN_OR_RETURN(const auto thetas, ThetasOf(connection, run));
  WriteMessages("thetas", thetas, file);
  file->Write("}");
  return absl::OkStatus();
}

}  // namespace

render::Table ExperimentsTable(const std::vector<v1::Experiment>& experiments) {
  render::Table table = render::FlatTable(Pointers(experiments), v1::Experiment());
  InsertKey("experiment", experiments, &table);
  return table;
}

render::Table RunsTable(const std::vector<v1::Run>& runs) {
  // These have columns of their own, or tables.
  render::Table table = render::FlatTable(
      Pointers(runs), v1::Run(), {"metrics", "attempt_log", "split", "earlier_test_results"});
  InsertKey("run", runs, &table);
  AppendOutcomes(runs, &table);
  AppendColumn(
      "extended_from", runs,
      [](const v1::Run& run) { return absl::StrJoin(run.extended_from(), " "); }, &table);
  AppendSplit(runs, &table);
  AppendProvenance(runs, &table);
  AppendExtremes(runs, &table);
  return table;
}

render::Table TestResultsTable(const std::vector<v1::Run>& runs) {
  std::vector<const google::protobuf::Message*> results;
  Cells names;
  Cells current;
  const auto add = [&](const v1::Run& run, const v1::TestResult& result, bool is_current) {
    results.push_back(&result);
    names.push_back(ShortenName(run.name()));
    current.emplace_back(BoolText(is_current));
  };
  for (const v1::Run& run : runs) {
    for (const v1::TestResult& result : run.test_results()) add(run, result, true);
    for (const v1::TestResult& result : run.earlier_test_results()) add(run, result, false);
  }
  render::Table table = render::FlatTable(results, v1::TestResult());
  table.InsertColumn(0, {"run", "run"}, std::move(names));
  table.InsertColumn(1, {"current", "current"}, std::move(current));
  return table;
}

std::vector<CsvHeader> CsvHeaders(const std::vector<v1::Experiment>& experiments,
                                  const std::vector<v1::Run>& runs) {
  return {{"experiments.csv", ExperimentsTable(experiments).keys()},
          {"runs.csv", RunsTable(runs).keys()},
          {"epochs.csv", EpochsHeader(EpochColumns(runs))},
          {"thetas.csv", ThetasHeader()},
          {"test_results.csv", TestResultsTable(runs).keys()},
          {"confusion.csv", ConfusionHeader()}};
}

absl::Status WriteCsv(Connection* connection, const std::vector<v1::Run>& runs,
                      const std::string& directory, const OnRun& on_run) {
  std::vector<v1::Experiment> experiments;
  for (const std::string& name : ExperimentsOf(runs)) {
    ANNEAL_ASSIGN_OR_RETURN(experiments.emplace_back(), connection->GetExperiment(name));
  }
  ANNEAL_RETURN_IF_ERROR(WriteTable(ExperimentsTable(experiments), directory + "/experiments.csv"));
  ANNEAL_RETURN_IF_ERROR(WriteTable(RunsTable(runs), directory + "/runs.csv"));
  ANNEAL_RETURN_IF_ERROR(WriteTable(TestResultsTable(runs), directory + "/test_results.csv"));
  OutputFile epochs("--out", directory + "/epochs.csv");
  OutputFile thetas("--out", directory + "/thetas.csv");
  OutputFile confusion("--out", directory + "/confusion.csv");
  const Cells columns = EpochColumns(runs);
  epochs.Write(render::CsvLine(EpochsHeader(columns)));
  thetas.Write(render::CsvLine(ThetasHeader()));
  confusion.Write(render::CsvLine(ConfusionHeader()));
  for (size_t i = 0; i < runs.size(); ++i) {
    const v1::Run& run = runs[i];
    on_run(i);
    ANNEAL_ASSIGN_OR_RETURN(const auto listed, connection->ListEpochs(run.name(), /*limit=*/0));
    for (const v1::Epoch& epoch : listed) {
      // Runs that are still training are exported as of their listing.
      if (epoch.epoch() > run.epochs_done()) break;
      epochs.Write(render::CsvLine(EpochCells(run, epoch, columns)));
    }
    ANNEAL_ASSIGN_OR_RETURN(const auto vectors, ThetasOf(connection, run));
    for (const v1::ThetaVector& theta : vectors) {
      if (theta.epoch() <= run.epochs_done()) WriteThetas(run, theta, &thetas);
    }
    for (const v1::TestResult& result : run.test_results()) WriteConfusion(run, result, &confusion);
    for (const v1::TestResult& result : run.earlier_test_results()) {
      WriteConfusion(run, result, &confusion);
    }
  }
  ANNEAL_RETURN_IF_ERROR(epochs.Finish());
  ANNEAL_RETURN_IF_ERROR(thetas.Finish());
  return confusion.Finish();
}

absl::Status WriteJson(Connection* connection, const std::vector<v1::Run>& runs,
                       const std::string& directory, const OnRun& on_run) {
  for (size_t i = 0; i < runs.size();) {
    const std::string experiment_name = ExperimentOf(runs[i]);
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment,
                            connection->GetExperiment(experiment_name));
    OutputFile file("--out", absl::StrCat(directory, "/", ShortenName(experiment_name), ".json"));
    file.Write(absl::StrCat("{\"experiment\": ", ToJson(experiment, {.unset_fields = true}),
                            ", \"runs\": ["));
    absl::string_view separator = "\n";
    for (; i < runs.size() && ExperimentOf(runs[i]) == experiment_name; ++i) {
      on_run(i);
      file.Write(separator);
      ANNEAL_RETURN_IF_ERROR(WriteRunJson(connection, runs[i], &file));
      separator = ",\n";
    }
    file.Write("\n]}\n");
    ANNEAL_RETURN_IF_ERROR(file.Finish());
  }
  return absl::OkStatus();
}

}  // namespace anneal::client::exporters
