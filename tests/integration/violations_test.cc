// Tests that every call reports all violations of its request in one round, in the order of the
// request's fields.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

// Returns the fields of an error's BadRequest, in order. Each has a line of the message.
std::vector<std::string> FieldsOf(const grpc::Status& status) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
  google::rpc::Status rich;
  EXPECT_TRUE(rich.ParseFromString(status.error_details()));
  std::vector<std::string> fields;
  google::rpc::BadRequest bad;
  for (const auto& detail : rich.details()) {
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  }
  const std::vector<std::string> lines = absl::StrSplit(status.error_message(), '\n');
  EXPECT_EQ(lines.size(), fields.size()) << status.error_message();
  return fields;
}

using Fields = std::vector<std::string>;

class ViolationsTest : public DaemonTest {
 protected:
  grpc::ClientContext context_;
};

TEST_F(ViolationsTest, OfAListOfExperiments) {
  v1::ListExperimentsRequest request;
  request.set_page_size(-1);
  request.set_filter("nothing = 1");
  request.set_order_by("nowhere");
  v1::ListExperimentsResponse response;
  EXPECT_EQ(FieldsOf(experiments_->ListExperiments(&context_, request, &response)),
            (Fields{"page_size", "filter", "order_by"}));
}

TEST_F(ViolationsTest, OfEveryConditionAndOrderOfAList) {
  v1::ListRunsRequest request;
  request.set_parent("experiments/-");
  request.set_filter("nothing = 1 AND (seed = x OR NOT state = DONE)");
  request.set_order_by("nowhere, seed, never");
  v1::ListRunsResponse response;
  EXPECT_EQ(FieldsOf(runs_->ListRuns(&context_, request, &response)),
            (Fields{"filter", "filter", "filter", "order_by", "order_by"}));
}

TEST_F(ViolationsTest, OfLabelsAreInTheOrderOfTheirKeys) {
  v1::CreateExperimentRequest request = TinyRequest("e");
  auto& labels = *request.mutable_experiment()->mutable_labels();
  for (const char* key : {"d", "a", "c", "e", "b"}) labels[key] = std::string(300, 'x');
  labels["No!"] = "";
  v1::Experiment response;
  EXPECT_EQ(FieldsOf(experiments_->CreateExperiment(&context_, request, &response)),
            (Fields{"experiment.labels", "experiment.labels.a", "experiment.labels.b",
                    "experiment.labels.c", "experiment.labels.d", "experiment.labels.e"}));
}

TEST_F(ViolationsTest, OfAListOfRuns) {
  v1::ListRunsRequest request;
  request.set_parent("nobody");
  request.set_page_token("x");
  request.set_filter("(");
  v1::ListRunsResponse response;
  EXPECT_EQ(FieldsOf(runs_->ListRuns(&context_, request, &response)),
            (Fields{"parent", "page_token", "filter"}));
}

TEST_F(ViolationsTest, OfAListOfEpochs) {
  v1::ListEpochsRequest request;
  request.set_parent("experiments/e");
  request.set_page_size(-1);
  v1::ListEpochsResponse response;
  EXPECT_EQ(FieldsOf(runs_->ListEpochs(&context_, request, &response)),
            (Fields{"parent", "page_size"}));
}

TEST_F(ViolationsTest, OfAComparison) {
  v1::CompareExperimentsRequest request;
  request.add_names("experiments/e/runs/0");
  request.add_names("first");
  request.set_metric("beauty");
  request.add_group_by("optimiser");
  request.set_threshold_metric("truth");
  v1::CompareExperimentsResponse response;
  EXPECT_EQ(FieldsOf(experiments_->CompareExperiments(&context_, request, &response)),
            (Fields{"names", "names", "metric", "group_by", "threshold_metric"}));
}

TEST_F(ViolationsTest, OfAnUpdate) {
  v1::UpdateExperimentRequest request;
  request.mutable_experiment()->set_name("first");
  request.mutable_experiment()->set_note(std::string(5000, 'x'));
  request.mutable_experiment()->set_priority(1001);
  (*request.mutable_experiment()->mutable_labels())["No!"] = "";
  request.mutable_update_mask()->add_paths("config");
  request.mutable_update_mask()->add_paths("state");
  v1::Experiment response;
  const grpc::Status status = experiments_->UpdateExperiment(&context_, request, &response);
  EXPECT_EQ(FieldsOf(status), (Fields{"experiment.name", "experiment.labels", "experiment.note",
                                      "experiment.priority", "update_mask"}));
  EXPECT_TRUE(absl::StrContains(status.error_message(), "\"config\" and \"state\""))
      << status.error_message();
}

TEST_F(ViolationsTest, OfAWatch) {
  v1::WatchExperimentRequest request;
  request.set_name("first");
  request.set_after_position(1);
  request.mutable_heartbeat()->set_nanos(1000);
  const auto reader = experiments_->WatchExperiment(&context_, request);
  v1::Event event;
  EXPECT_FALSE(reader->Read(&event));
  EXPECT_EQ(FieldsOf(reader->Finish()), (Fields{"name", "after_position", "heartbeat"}));
}

TEST_F(ViolationsTest, OfAHoldAndASpanThatAreBothLongerThanTheRun) {
  v1::CreateExperimentRequest request = TinyRequest("e");
  auto* theta = request.mutable_experiment()->mutable_config()->mutable_theta();
  theta->set_policy(v1::THETA_POLICY_SCHEDULED);
  theta->set_hold(7);
  theta->set_span(9);
  v1::Experiment response;
  EXPECT_EQ(FieldsOf(experiments_->CreateExperiment(&context_, request, &response)),
            (Fields{"experiment.config.theta.hold", "experiment.config.theta.span"}));
}

}  // namespace
}  // namespace anneal
