// These functions format a comparison of arms as tables, with what a reader must know beside them.
// Pure. They take time in proportion to the number of arms.

#ifndef ANNEAL_CLIENT_RENDER_COMPARISON_H_
#define ANNEAL_CLIENT_RENDER_COMPARISON_H_

#include <string>
#include <vector>

#include "anneal/v1/services.pb.h"
#include "client/render/table.h"

namespace anneal::client::render {

// Each table, legend and list of notes is of the first `arms` arms.

// Returns the metric's name, with the better direction if it has one: "test_accuracy (higher is
// better)".
std::string MetricWithDirection(const v1::CompareExperimentsResponse& response);

// Returns the heading of each table. All of them say so where runs that diverged are excluded; that
// of ArmTable is empty otherwise.
std::string ArmTitle(const v1::CompareExperimentsResponse& response);
std::string DifferenceTitle(const v1::CompareExperimentsResponse& response);
std::string TimeTitle(const v1::CompareExperimentsResponse& response, double threshold);

// Numbers of runs by outcome; means and standard deviations of the main metrics. Test accuracy only
// if the compared metric is of the test split.
Table ArmTable(const v1::CompareExperimentsResponse& response, int arms);
// The metric, and paired differences to the baseline with intervals and p-values.
Table DifferenceTable(const v1::CompareExperimentsResponse& response, int arms);
// Epochs and seconds until runs reached the threshold.
Table TimeTable(const v1::CompareExperimentsResponse& response, int arms);
// Every field of the arms, for CSV. Fields that the arm does not have are empty.
Table ArmCsv(const std::vector<const google::protobuf::Message*>& arms);

// Return the sentences under each table: which runs are counted and how, the methods, and what the
// numbers do not say.
std::vector<std::string> ArmLegend(const v1::CompareExperimentsResponse& response, int arms);
std::vector<std::string> DifferenceLegend(const v1::CompareExperimentsResponse& response, int arms);
std::vector<std::string> TimeLegend(const v1::CompareExperimentsResponse& response);

// Returns the notes of the response, then those of the arms, in the words of the command line. Arms
// with equal notes share one.
std::vector<std::string> Notes(const v1::CompareExperimentsResponse& response, int arms);

// Returns the long form of the legends: paragraphs, each of which begins with its subject.
std::vector<std::string> Explanation(const v1::CompareExperimentsResponse& response);

// Adds a note to every arm where runs that diverged are excluded, for outputs without headings.
void NoteExclusion(v1::CompareExperimentsResponse* response);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_COMPARISON_H_
