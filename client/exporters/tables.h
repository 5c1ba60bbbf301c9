// Complete exports: all that was recorded of some runs, as CSV tables or as JSON.

#ifndef ANNEAL_CLIENT_EXPORTERS_TABLES_H_
#define ANNEAL_CLIENT_EXPORTERS_TABLES_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/connection.h"

namespace anneal::client::exporters {

// Called before each run with its number, from 0.
using OnRun = std::function<void(size_t)>;

// Writes experiments.csv, runs.csv, epochs.csv, thetas.csv and confusion.csv into the directory;
// client/export/README.md has their columns. `runs` have their configs. Errors of calls and files.
absl::Status WriteCsv(Connection* connection, const std::vector<v1::Run>& runs,
                      const std::string& directory, const OnRun& on_run);

// Writes EXPERIMENT.json for each experiment: `experiment`, and `runs`, each of them `run`,
// `epochs` and `thetas`; all in JSON of the API's messages. `runs` come experiment by experiment.
absl::Status WriteJson(Connection* connection, const std::vector<v1::Run>& runs,
                       const std::string& directory, const OnRun& on_run);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TABLES_H_
