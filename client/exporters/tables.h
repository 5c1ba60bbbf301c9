// `WriteCsv` and `WriteJson` export everything recorded for a set of runs.

#ifndef ANNEAL_CLIENT_EXPORTERS_TABLES_H_
#define ANNEAL_CLIENT_EXPORTERS_TABLES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/connection.h"
#include "client/render/table.h"

namespace anneal::client::exporters {

// Called before each run with its index, from 0.
using OnRun = std::function<void(size_t)>;

// A table of `anneal export csv`: its file, and the names of its columns.
struct CsvHeader {
  std::string file;
  std::vector<std::string> columns;
};

// Returns the tables that WriteCsv writes for these runs of these experiments. Pure.
std::vector<CsvHeader> CsvHeaders(const std::vector<v1::Experiment>& experiments,
                                  const std::vector<v1::Run>& runs);

// Return the tables with one row for each experiment, run and test result. Pure.
render::Table ExperimentsTable(const std::vector<v1::Experiment>& experiments);
render::Table RunsTable(const std::vector<v1::Run>& runs);
render::Table TestResultsTable(const std::vector<v1::Run>& runs);

// Writes experiments.csv, runs.csv, epochs.csv, thetas.csv, test_results.csv and confusion.csv into
// `directory`; client/exporters/README.md documents their columns. `runs` are of RUN_VIEW_FULL,
// with the metrics `*`. Errors: those of the calls and of the file operations.
absl::Status WriteCsv(Connection* connection, const std::vector<v1::Run>& runs,
                      const std::string& directory, const OnRun& on_run);

// Writes one EXPERIMENT.json per experiment, with `experiment` and `runs`; each run has `run`,
// `epochs` and `thetas`, as JSON of the API's messages. `runs` are grouped by experiment.
absl::Status WriteJson(Connection* connection, const std::vector<v1::Run>& runs,
                       const std::string& directory, const OnRun& on_run);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TABLES_H_
