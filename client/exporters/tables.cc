#include "client/exporters/tables.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "client/exporters/output_file.h"
#include "client/named_runs.h"
#include "client/render/flatten.h"
#include "client/render/table.h"
#include "common/enum_name.h"
#include "common/json_text.h"
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
                                 absl::StrCat(i / classes), absl::StrCat(i % classes),
                                 absl::StrCat(result.confusion(i))}));
  }
}

template <typename Message>
absl::Status WriteTable(const std::vector<Message>& items, const std::string& path) {
  std::vector<const google::protobuf::Message*> messages;
  for (const Message& item : items) messages.push_back(&item);
  OutputFile file("--out", path);
  file.Write(render::FlatTable(messages, Message()).ToCsv());
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

absl::Status WriteCsv(Connection* connection, const std::vector<v1::Run>& runs,
                      const std::string& directory, const OnRun& on_run) {
  std::vector<v1::Experiment> experiments;
  for (const std::string& name : ExperimentsOf(runs)) {
    ANNEAL_ASSIGN_OR_RETURN(experiments.emplace_back(), connection->GetExperiment(name));
  }
  ANNEAL_RETURN_IF_ERROR(WriteTable(experiments, directory + "/experiments.csv"));
  ANNEAL_RETURN_IF_ERROR(WriteTable(runs, directory + "/runs.csv"));
  OutputFile epochs("--out", directory + "/epochs.csv");
  OutputFile thetas("--out", directory + "/thetas.csv");
  OutputFile confusion("--out", directory + "/confusion.csv");
  const Cells columns = EpochColumns(runs);
  Cells header = {"run", "seed"};
  header.insert(header.end(), columns.begin(), columns.end());
  epochs.Write(render::CsvLine(header));
  thetas.Write(render::CsvLine({"run", "epoch", "layer", "channel", "row", "column", "theta"}));
  confusion.Write(render::CsvLine({"run", "weights", "actual", "predicted", "images"}));
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
