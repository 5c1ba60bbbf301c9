// `ToHtml` renders experiments as a self-contained HTML page. Pure except for running gnuplot;
// thread-safe.

#ifndef ANNEAL_CLIENT_REPORT_REPORT_H_
#define ANNEAL_CLIENT_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figures.h"

namespace anneal::client::report {

// An experiment and the config from which to submit it again.
struct Submission {
  v1::Experiment experiment;
  v1::TrainingConfig base;  // the preset's config; empty without a preset
};

struct ReportData {
  std::string title;
  std::string question;  // the question that the experiments answer; may be empty
  std::string made;      // creation time, formatted
  v1::ServerInfo server;
  std::vector<Submission> submissions;
  std::vector<plot::ArmData> arms;
  // The last theta vectors of each arm's first run, for plot::Thetas.
  std::vector<std::vector<v1::ThetaVector>> thetas;
  v1::CompareExperimentsResponse comparison;
};

// Returns HTML without scripts or external resources: tables, figures as inline SVG, configs, and
// the commands that reproduce the results. Errors: those of plot::RunGnuplot.
absl::StatusOr<std::string> ToHtml(const ReportData& data);

// Returns the shell command that submits the experiment again.
std::string SubmitCommand(const Submission& submission);

// Returns `0..3` for consecutive seeds, `1,5,9` otherwise.
std::string SeedsText(const google::protobuf::RepeatedField<int64_t>& seeds);

}  // namespace anneal::client::report

#endif  // ANNEAL_CLIENT_REPORT_REPORT_H_
