// A page about experiments that can be kept, sent and printed. Pure but for gnuplot; thread-safe.

#ifndef ANNEAL_CLIENT_REPORT_REPORT_H_
#define ANNEAL_CLIENT_REPORT_REPORT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "client/plot/figures.h"

namespace anneal::client::report {

// An experiment with what it takes to submit it again.
struct Submission {
  v1::Experiment experiment;
  v1::TrainingConfig base;  // of its preset; empty without one
};

struct ReportData {
  std::string title;
  std::string question;  // what the experiments were to find out; may be empty
  std::string made;      // when, for people
  v1::ServerInfo server;
  std::vector<Submission> submissions;
  std::vector<plot::ArmData> arms;
  // The last theta vectors of each arm's first run, as plot::Thetas takes them.
  std::vector<std::vector<v1::ThetaVector>> thetas;
  v1::CompareExperimentsResponse comparison;
};

// HTML that needs neither network nor scripts: tables, figures as SVG inside, configs, and the
// commands that make the same results again. Errors: those of plot::RunGnuplot.
absl::StatusOr<std::string> ToHtml(const ReportData& data);

// The command that submits the experiment again, for a shell.
std::string SubmitCommand(const Submission& submission);

// `0..3` where seeds are consecutive, `1,5,9` otherwise.
std::string SeedsText(const google::protobuf::RepeatedField<int64_t>& seeds);

}  // namespace anneal::client::report

#endif  // ANNEAL_CLIENT_REPORT_REPORT_H_
