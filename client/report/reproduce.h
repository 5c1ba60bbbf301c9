// These functions write the commands that give an experiment's results again, and describe the
// builds and processors that its runs trained on. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_REPORT_REPRODUCE_H_
#define ANNEAL_CLIENT_REPORT_REPRODUCE_H_

#include <set>
#include <string>
#include <vector>

#include "anneal/v1/resources.pb.h"
#include "client/render/table.h"

namespace anneal::client::report {

// An experiment, and what it takes to get its results again.
struct Submission {
  v1::Experiment experiment;
  v1::TrainingConfig base;  // the preset's config; empty without a preset
  // With full view: all runs, or only the first of many.
  std::vector<v1::Run> examined;
  std::vector<v1::Run> extended;  // the runs that were extended, by number
};

// Returns the shell command that submits the experiment again.
std::string SubmitCommand(const Submission& submission);

// Returns the shell commands that extend a run as it was extended, a line for each step; nothing
// for a run that was not.
std::string ExtendCommands(const v1::Run& run);

// Returns a filter of ListRuns that every extended run of the experiment passes.
std::string ExtendedFilter(const v1::Experiment& experiment);

// Returns `0..3` for consecutive seeds, `1,5,9` otherwise.
std::string SeedsText(const google::protobuf::RepeatedField<int64_t>& seeds);

// Returns a row for each kind of build, processor and host, with the number of attempts on it.
render::Table BuildTable(const std::vector<Submission>& submissions);

// Returns the data sets and engines of the examined runs: `mnist with SHA-256 ... (FUSED)`.
std::set<std::string> DataAndEngines(const std::vector<Submission>& submissions);

}  // namespace anneal::client::report

#endif  // ANNEAL_CLIENT_REPORT_REPRODUCE_H_
