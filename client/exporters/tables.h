// `WriteCsv` and `WriteJson` export everything recorded for a set of runs.

#ifndef ANNEAL_CLIENT_EXPORTERS_TABLES_H_
#define ANNEAL_CLIENT_EXPORTERS_TABLES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/connection.h"

namespace anneal::client::exporters {

// Called before each run with its index, from 0.
using OnRun = std::function<void(size_t)>;

// Writes experiments.csv, runs.csv, epochs.csv, thetas.csv and confusion.csv into `directory`;
// client/exporters/README.md documents their columns. `runs` include their configs. Errors: those
// of the calls and of the file operations.
absl::Status WriteCsv(Connection* connection, const std::vector<v1::Run>& runs,
                      const std::string& directory, const OnRun& on_run);

// Writes one EXPERIMENT.json per experiment, with `experiment` and `runs`; each run has `run`,
// `epochs` and `thetas`, as JSON of the API's messages. `runs` are grouped by experiment.
absl::Status WriteJson(Connection* connection, const std::vector<v1::Run>& runs,
                       const std::string& directory, const OnRun& on_run);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TABLES_H_
