// `ToHtml` renders a comparison of experiments as a self-contained HTML page. Pure except for
// running gnuplot; thread-safe.

#ifndef ANNEAL_CLIENT_REPORT_REPORT_H_
#define ANNEAL_CLIENT_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figures.h"
#include "client/report/reproduce.h"

namespace anneal::client::report {

struct ReportData {
  std::string title;
  std::string question;  // the question that the experiments answer; may be empty
  std::string made;      // creation time, formatted
  v1::ServerInfo server;
  std::vector<Submission> submissions;
  // Of all submissions, asked for what CompleteRequest adds.
  v1::CompareExperimentsResponse comparison;
  std::vector<plot::LastThetas> thetas;
};

// Adds to a request what the report shows of the submissions: their names, curves, values of runs,
// configs, and for a metric of the test split the confusion matrices.
void CompleteRequest(const std::vector<Submission>& submissions,
                     v1::CompareExperimentsRequest* request);

// Returns HTML without scripts or external resources: tables, figures as images in the page,
// configs, and the commands that give the results again. Figures show the first 40 arms, those with
// a panel for each arm the first 12. Errors: those of plot::RunGnuplot.
absl::StatusOr<std::string> ToHtml(const ReportData& data);

}  // namespace anneal::client::report

#endif  // ANNEAL_CLIENT_REPORT_REPORT_H_
