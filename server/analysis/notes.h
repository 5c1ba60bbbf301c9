// `NotesOf` and `ArmNotesOf` say in sentences what a reader must know about the numbers of a
// comparison. Pure.

#ifndef ANNEAL_SERVER_ANALYSIS_NOTES_H_
#define ANNEAL_SERVER_ANALYSIS_NOTES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "anneal/v1/services.pb.h"
#include "common/metric.h"

namespace anneal::analysis {

// Returns the notes on a response whose arms are filled in.
std::vector<std::string> NotesOf(const v1::CompareExperimentsResponse& response,
                                 const Metric& metric);

// What is known of an arm beside its message.
struct ArmFacts {
  // The fields of pairing in which its own runs differ, with their values.
  std::map<std::string, std::set<std::string>> own_differences;
  // Those in which it differs from the baseline.
  std::map<std::string, std::set<std::string>> differences;
  // One of the two arms has runs that differ in such a field: pairs inside of its values may exist.
  bool may_pair_within = false;
  bool is_baseline = false;
  bool has_common_seed = false;
  // A counted run of it, or of the baseline, has a value of the metric.
  bool has_value = false;
  bool baseline_has_value = false;
  // Number of runs that succeeded without a value of the metric.
  int without_value = 0;
  // The most runs that a seed's value is the average of.
  int runs_of_a_seed = 0;
  // Number of pairs whose sides are averages over different numbers of runs.
  int uneven_pairs = 0;
};
std::vector<std::string> ArmNotesOf(const v1::Arm& arm, const ArmFacts& facts,
                                    const std::string& metric, double alpha);

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_NOTES_H_
