// Tests submissions: stored records, refusals, and idempotent retries.

#include <atomic>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

class CreateTest : public DaemonTest {};

TEST_F(CreateTest, CreatedExperimentIsReturnedAndFoundAgain) {
  v1::CreateExperimentRequest request = TinyRequest("mine", 1);
  v1::Experiment* experiment = request.mutable_experiment();
  experiment->set_preset("baseline");
  experiment->set_note("a note");
  experiment->set_priority(1000);
  (*experiment->mutable_labels())["a.b-c_1"] = std::string(256, 'x');
  experiment->add_seeds(-5);
  // Output only: ignored.
  experiment->set_name("experiments/other");
  experiment->set_state(v1::RUN_STATE_FAILED);
  experiment->set_last_sequence(99);
  const v1::Experiment created = Create(request);
  EXPECT_EQ(created.name(), "experiments/mine");
  EXPECT_GE(created.last_sequence(), 1);
  EXPECT_LT(created.last_sequence(), 99);
  EXPECT_EQ(created.run_counts().total(), 1);
  EXPECT_TRUE(created.has_create_time());
  EXPECT_TRUE(Same(created.config(), request.experiment().config())) << "as submitted";

  WaitForEnd(created.name());
  const v1::Experiment got = Get(created.name());
  EXPECT_EQ(got.preset(), "baseline");
  EXPECT_EQ(got.note(), "a note");
  EXPECT_EQ(got.priority(), 1000);
  EXPECT_EQ(got.labels().at("a.b-c_1"), std::string(256, 'x'));
  EXPECT_THAT(got.seeds(), ElementsAre(-5));
  EXPECT_EQ(got.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_TRUE(Same(got.config(), created.config()));
  EXPECT_TRUE(Same(got.create_time(), created.create_time()));
  EXPECT_TRUE(Same(got.network(), created.network()));
}

TEST_F(CreateTest, MissingIdsAreGenerated) {
  std::set<std::string> names;
  for (int i = 0; i < 5; ++i) names.insert(Create(TinyRequest("", 1)).name());
  EXPECT_THAT(names, SizeIs(5));
  for (const std::string& name : names) {
    EXPECT_THAT(name, MatchesRegex("experiments/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"));
  }
}

TEST_F(CreateTest, ASweepThatCannotBeExpandedHidesNoOtherViolation) {
  v1::CreateExperimentRequest request = TinyRequest("all-wrong", 1);
  v1::Experiment* experiment = request.mutable_experiment();
  experiment->mutable_config()->mutable_optimizer()->set_learning_rate(-1);
  v1::SweepAxis* axis = experiment->add_axes();
  axis->set_field("epochs");
  axis->add_values("many");
  axis->add_values("0");
  experiment->set_priority(5000);
  const grpc::Status status = TryCreate(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Mentions(status.error_message(), {"epochs is \"many\"", "optimizer.learning_rate",
                                                "epochs is 0", "priority is 5000"}));
  EXPECT_THAT(ListNames(), ElementsAre());
}

TEST_F(CreateTest, TakenIdIsAlreadyExists) {
  Create(TinyRequest("taken", 1));
  for (const bool validate_only : {false, true}) {
    v1::CreateExperimentRequest request = TinyRequest("taken", 2);
    request.set_validate_only(validate_only);
    const grpc::Status status = TryCreate(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS) << status.error_message();
    EXPECT_TRUE(Mentions(status.error_message(), {"taken"}));
    EXPECT_NE(ReasonOf(status), "");
  }
  EXPECT_THAT(ListNames(), ElementsAre("experiments/taken"));
  EXPECT_EQ(Get("experiments/taken").config().epochs(), 1);
}

TEST_F(CreateTest, SameRequestIdIsTheSameExperiment) {
  v1::CreateExperimentRequest request = TinyRequest("", 1);
  request.set_request_id("key");
  (*request.mutable_experiment()->mutable_labels())["a"] = "1";
  (*request.mutable_experiment()->mutable_labels())["b"] = "2";
  const std::string name = Create(request).name();
  EXPECT_EQ(Create(request).name(), name);
  WaitForEnd(name);
  EXPECT_EQ(Create(request).name(), name);
  Stop();
  Start();
  EXPECT_EQ(Create(request).name(), name);
  EXPECT_THAT(ListNames(), ElementsAre(name));
}

TEST_F(CreateTest, TheCommandIsStoredButIsNoPartOfWhatIsAskedFor) {
  v1::CreateExperimentRequest request = TinyRequest("e", 1);
  request.set_request_id("key");
  const std::string command(8192, 'c');
  request.mutable_experiment()->set_submit_command(command);
  request.mutable_experiment()->set_locked(true);
  Create(request);
  EXPECT_EQ(Get("experiments/e").submit_command(), command);
  EXPECT_TRUE(Get("experiments/e").locked());
  request.mutable_experiment()->set_submit_command("another");
  EXPECT_EQ(Create(request).submit_command(), command);
  request.mutable_experiment()->set_locked(false);
  EXPECT_EQ(TryCreate(request).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

TEST_F(CreateTest, SameRequestIdWithAnotherBodyIsAlreadyExists) {
  v1::CreateExperimentRequest request = TinyRequest("first", 1);
  request.set_request_id("key");
  Create(request);
  request.mutable_experiment()->set_note("another");
  grpc::Status status = TryCreate(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_TRUE(Mentions(status.error_message(), {"key"}));
  EXPECT_NE(ReasonOf(status), "");
  request.set_experiment_id("second");
  EXPECT_EQ(TryCreate(request).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  EXPECT_THAT(ListNames(), ElementsAre("experiments/first"));
}

// An acknowledged submission is never lost: a retry must find it even if its data set is gone.
TEST_F(CreateTest, SameRequestIdFindsTheExperimentThoughItsDataSetIsGone) {
  v1::CreateExperimentRequest request = TinyRequest("", 1);
  request.set_request_id("key");
  const std::string name = Create(request).name();
  WaitForEnd(name);
  Stop();
  std::filesystem::remove_all(directory_.file("datasets/tiny"));
  Start();
  v1::Experiment again;
  const grpc::Status status = TryCreate(request, &again);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(again.name(), name);
}

TEST_F(CreateTest, HundredConcurrentIdenticalSubmissionsAreOneExperiment) {
  constexpr int kClients = 100;
  v1::CreateExperimentRequest request = TinyRequest("", 1);
  request.set_request_id("storm");
  std::vector<std::string> names(kClients);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back(
        [&, client] { names[static_cast<size_t>(client)] = Create(request).name(); });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(std::set<std::string>(names.begin(), names.end()), SizeIs(1));
  EXPECT_THAT(ListNames(), ElementsAre(names[0]));
}

TEST_F(CreateTest, ValidateOnlyStoresNothingAndShowsTheNetwork) {
  v1::CreateExperimentRequest request = TinyRequest("dry", 3);
  request.set_request_id("key");
  request.set_validate_only(true);
  const v1::Experiment preview = Create(request);
  EXPECT_EQ(preview.name(), "");
  // conv: 4 filters of 3x3 and a bias; 12 - 2 = 10, pooled to 5; dense: 4 classes over 4*5*5.
  ASSERT_EQ(preview.network().layers_size(), 2);
  EXPECT_THAT(preview.network().layers(0).output_shape(), ElementsAre(4, 5, 5));
  EXPECT_EQ(preview.network().layers(0).parameter_count(), 4 * 9 + 4);
  EXPECT_EQ(preview.network().layers(1).parameter_count(), 4 * 100 + 4);
  EXPECT_EQ(preview.network().parameter_count(), 444);
  EXPECT_EQ(preview.network().theta_count(), 1);
  EXPECT_EQ(preview.network().multiply_adds(), 100 * 4 * 9 + 400);
  EXPECT_THAT(ListNames(), IsEmpty());
  EXPECT_EQ(TryGet("experiments/dry").error_code(), grpc::StatusCode::NOT_FOUND);
  // A dry run reserves neither the id nor the request_id.
  request.set_validate_only(false);
  EXPECT_EQ(Create(request).name(), "experiments/dry");
}

TEST_F(CreateTest, ValidateOnlyFailsWhereTheRequestWould) {
  v1::CreateExperimentRequest request = TinyRequest("first", 1);
  request.set_request_id("key");
  Create(request);
  v1::CreateExperimentRequest other = TinyRequest("second", 5);
  other.set_request_id("key");
  EXPECT_EQ(TryCreate(other).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  other.set_validate_only(true);
  EXPECT_EQ(TryCreate(other).error_code(), grpc::StatusCode::ALREADY_EXISTS);
}

// Each case makes one field of a valid request invalid; the error must name `field` (or one of
// several, parted by |) and nothing be stored.
struct Refusal {
  std::string field;
  std::function<void(v1::CreateExperimentRequest*)> break_it;
};

std::vector<Refusal> Refusals() {
  std::vector<Refusal> refusals;
  const auto config = [&](const std::string& field, const std::string& text) {
    refusals.push_back({field, [text](v1::CreateExperimentRequest* request) {
                          request->mutable_experiment()->mutable_config()->MergeFrom(
                              FromText<v1::TrainingConfig>(text));
                        }});
  };
  const auto axis = [&](const std::string& field, const std::string& path,
                        const std::vector<std::string>& values) {
    refusals.push_back({field, [=](v1::CreateExperimentRequest* request) {
                          v1::SweepAxis* added = request->mutable_experiment()->add_axes();
                          added->set_field(path);
                          for (const std::string& value : values) added->add_values(value);
                        }});
  };
  const auto request = [&](const std::string& field,
                           std::function<void(v1::CreateExperimentRequest*)> break_it) {
    refusals.push_back({field, std::move(break_it)});
  };
  config("epochs", "epochs: 0");
  config("epochs", "epochs: 100001");
  config("batch_size", "batch_size: 0");
  config("batch_size", "batch_size: 271");  // the training split has 270
  config("dataset.name", "dataset { name: 'nowhere' }");
  config("dataset.name", "dataset { name: '../tiny' }");
  config("dataset.name", "dataset { name: '/etc' }");
  config("dataset.name", "dataset { name: '' }");
  config("dataset.validation_fraction", "dataset { validation_fraction: 1 }");
  config("dataset.validation_fraction", "dataset { validation_fraction: 0 }");
  config("dataset.validation_fraction", "dataset { validation_fraction: 1e-9 }");
  config("dataset.train_limit", "dataset { train_limit: -1 }");
  config("optimizer.learning_rate", "optimizer { learning_rate: 0 }");
  config("optimizer.learning_rate", "optimizer { learning_rate: -1 }");
  config("optimizer.learning_rate", "optimizer { learning_rate: nan }");
  config("optimizer.learning_rate", "optimizer { learning_rate: inf }");
  config("optimizer.kind", "optimizer { kind: OPTIMIZER_KIND_UNSPECIFIED }");
  config("optimizer.momentum", "optimizer { momentum: 1 }");
  config("optimizer.warmup_epochs", "optimizer { warmup_epochs: 3 }");
  config("optimizer.beta2", "optimizer { beta2: -0.1 }");
  config("optimizer.epsilon", "optimizer { epsilon: 0 }");
  config("regularizer.l2", "regularizer { l2: -1e-9 }");
  config("regularizer.l1", "regularizer { l1: nan }");
  config("early_stopping.patience", "early_stopping { patience: -1 }");
  config("diagnostics.probe_size", "diagnostics { probe_size: 0 }");
  config("diagnostics.probe_size", "diagnostics { activations: true probe_size: 31 }");
  config("theta.start", "theta { start: 0.8 }");
  config("theta.start", "theta { start: -0.1 }");
  config("theta.end", "theta { policy: THETA_POLICY_SCHEDULED end: nan }");
  config("theta.hold", "theta { policy: THETA_POLICY_SCHEDULED hold: 2 }");
  config("theta.span", "theta { policy: THETA_POLICY_SCHEDULED span: 2 }");
  config("theta.span",
         "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_JUMP span: 1 }");
  config("theta.unit",
         "theta { policy: THETA_POLICY_SCHEDULED schedule: THETA_SCHEDULE_PLATEAU"
         " unit: SCHEDULE_UNIT_STEP }");
  config("theta.lower_bound",
         "theta { policy: THETA_POLICY_TRAINABLE lower_bound: 0.5 upper_bound: 0.5 }");
  config("theta.learning_rate", "theta { policy: THETA_POLICY_TRAINABLE learning_rate: 0 }");
  config("theta.plateau.notch", "theta { plateau { notch: 0 } }");
  config("network.layers.1", "network { layers { } }");
  config("network.layers.1.conv.filters", "network { layers { conv { kernel: 3 } } }");
  config("network.layers.1.conv.filters",
         "network { layers { conv { filters: 1000000000 kernel: 3 } } }");
  config("network.layers.1.conv.kernel", "network { layers { conv { filters: 4 kernel: 6 } } }");
  config("network.layers.1.conv.padding",
         "network { layers { conv { filters: 4 kernel: 3 padding: 3 } } }");
  config("network.layers.1.dense.units", "network { layers { dense { units: 0 } } }");
  config("network.layers.2",
         "network { layers { dense { units: 4 } } layers { conv { filters: 1 kernel: 1 } } }");
  axis("axes.0|optimizer.speed", "optimizer.speed", {"1"});
  axis("axes.0", "", {"1"});
  axis("axes.0.values", "epochs", {});
  axis("axes.0.values", "epochs", {"1", "1"});
  axis("axes.0|epochs", "epochs", {"many"});
  axis("optimizer.learning_rate", "optimizer.learning_rate", {"0.1", "-1"});
  axis("dataset.name", "dataset.name", {"tiny", "nowhere"});
  request("axes", [](v1::CreateExperimentRequest* r) {
    for (int64_t seed = 0; seed <= 10'000; ++seed) r->mutable_experiment()->add_seeds(seed);
  });
  request("seeds", [](v1::CreateExperimentRequest* r) {
    r->mutable_experiment()->add_seeds(7);
    r->mutable_experiment()->add_seeds(7);
  });
  request("config",
          [](v1::CreateExperimentRequest* r) { r->mutable_experiment()->clear_config(); });
  request("config", [](v1::CreateExperimentRequest* r) { r->clear_experiment(); });
  for (const std::string& id :
       {std::string("Upper"), std::string("-a"), std::string("a-"), std::string("a/b"),
        std::string("../../etc"), std::string("a_b"), std::string(64, 'a'), std::string(" ")}) {
    request("experiment_id", [id](v1::CreateExperimentRequest* r) { r->set_experiment_id(id); });
  }
  request("request_id",
          [](v1::CreateExperimentRequest* r) { r->set_request_id(std::string(65, 'k')); });
  request("note", [](v1::CreateExperimentRequest* r) {
    r->mutable_experiment()->set_note(std::string(4097, 'n'));
  });
  for (const std::string& text :
       {std::string("\x1b[2J"), std::string("a\0b", 3), std::string("\x7f"), std::string("\r"),
        std::string("\xc2\x9b"
                    "2J")}) {
    request("note",
            [text](v1::CreateExperimentRequest* r) { r->mutable_experiment()->set_note(text); });
    request("user",
            [text](v1::CreateExperimentRequest* r) { r->mutable_experiment()->set_user(text); });
    request("submit_command", [text](v1::CreateExperimentRequest* r) {
      r->mutable_experiment()->set_submit_command(text);
    });
    request("labels", [text](v1::CreateExperimentRequest* r) {
      (*r->mutable_experiment()->mutable_labels())["a"] = text;
    });
  }
  request("user",
          [](v1::CreateExperimentRequest* r) { r->mutable_experiment()->set_user("two\nlines"); });
  request("submit_command", [](v1::CreateExperimentRequest* r) {
    r->mutable_experiment()->set_submit_command(std::string(8193, 'c'));
  });
  request("priority", [](v1::CreateExperimentRequest* r) {
    r->mutable_experiment()->set_priority(std::numeric_limits<int32_t>::min());
  });
  request("priority",
          [](v1::CreateExperimentRequest* r) { r->mutable_experiment()->set_priority(1001); });
  for (const std::string& key : {std::string(), std::string("Upper"), std::string("-a"),
                                 std::string("a b"), std::string(64, 'a')}) {
    request("labels", [key](v1::CreateExperimentRequest* r) {
      (*r->mutable_experiment()->mutable_labels())[key] = "x";
    });
  }
  request("labels", [](v1::CreateExperimentRequest* r) {
    (*r->mutable_experiment()->mutable_labels())["a"] = std::string(257, 'x');
  });
  request("labels", [](v1::CreateExperimentRequest* r) {
    for (int i = 0; i < 65; ++i) {
      (*r->mutable_experiment()->mutable_labels())[absl::StrCat("k", i)] = "x";
    }
  });
  return refusals;
}

TEST_F(CreateTest, EveryKindOfInvalidRequestNamesItsFieldAndStoresNothing) {
  for (const Refusal& refusal : Refusals()) {
    for (const bool validate_only : {false, true}) {
      v1::CreateExperimentRequest request = TinyRequest("bad", 2);
      refusal.break_it(&request);
      request.set_validate_only(validate_only);
      const std::string text = request.ShortDebugString().substr(0, 400);
      SCOPED_TRACE(absl::StrCat(refusal.field, " in ", text));
      const grpc::Status status = TryCreate(request);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
      if (status.error_code() != grpc::StatusCode::INVALID_ARGUMENT) continue;
      EXPECT_NE(ReasonOf(status), "");
      bool named = false;
      std::string fields;
      for (const auto& [field, description] : ViolationsOf(status)) {
        for (const absl::string_view name : absl::StrSplit(refusal.field, '|')) {
          named = named || absl::StrContains(field, name);
        }
        absl::StrAppend(&fields, field, " ", description, "\n");
      }
      EXPECT_TRUE(named) << fields;
    }
  }
  EXPECT_THAT(ListNames(), IsEmpty());
}

TEST_F(CreateTest, EveryViolationIsReportedAtOnce) {
  v1::CreateExperimentRequest request = TinyRequest("bad");
  request.mutable_experiment()->mutable_config()->MergeFrom(FromText<v1::TrainingConfig>(
      "epochs: 0 optimizer { learning_rate: -1 momentum: 2 } theta { start: 9 }"));
  const auto violations = ViolationsOf(TryCreate(request));
  for (const char* field :
       {"epochs", "optimizer.learning_rate", "optimizer.momentum", "theta.start"}) {
    bool found = false;
    for (const auto& [name, description] : violations) found |= absl::EndsWith(name, field);
    EXPECT_TRUE(found) << field;
  }
}

// Field paths are those of the request; messages use the notation of the command line.
TEST_F(CreateTest, ViolationsHaveRequestPathsAndMessagesCommandLinePaths) {
  v1::CreateExperimentRequest request = TinyRequest("Bad");
  v1::Experiment* experiment = request.mutable_experiment();
  experiment->set_priority(1001);
  experiment->mutable_config()->MergeFrom(
      FromText<v1::TrainingConfig>("epochs: 0 network { layers { dense { units: 4 } } layers { "
                                   "conv { filters: 1 kernel: 1 } } }"));
  const grpc::Status status = TryCreate(request);
  const auto violations = ViolationsOf(status);
  for (const char* field : {"experiment_id", "experiment.priority", "experiment.config.epochs",
                            "experiment.config.network.layers.2"}) {
    EXPECT_EQ(violations.count(field), 1U) << field << " in " << status.error_message();
  }
  const std::vector<std::string> lines = absl::StrSplit(status.error_message(), '\n');
  ASSERT_THAT(lines, SizeIs(4));
  EXPECT_EQ(lines[0].rfind("network.layers.2 is a conv layer after a dense one", 0), 0U);
  EXPECT_EQ(lines[1], "epochs is 0; allowed is 1..100000");
  EXPECT_EQ(lines[2].rfind("priority is 1001", 0), 0U);
  EXPECT_EQ(lines[3].rfind("experiment_id is", 0), 0U);
}

TEST_F(CreateTest, ViolationsOfEveryCellOfASweepAreReportedOnce) {
  v1::CreateExperimentRequest request = TinyRequest("bad", 2);
  v1::SweepAxis* rates = request.mutable_experiment()->add_axes();
  rates->set_field("optimizer.learning_rate");
  for (const char* value : {"0.1", "-1", "-2"}) rates->add_values(value);
  v1::SweepAxis* kinds = request.mutable_experiment()->add_axes();
  kinds->set_field("optimizer.kind");
  for (const char* value : {"SGD", "ADAM"}) kinds->add_values(value);
  const std::vector<std::string> lines = absl::StrSplit(TryCreate(request).error_message(), '\n');
  EXPECT_THAT(lines, ElementsAre("optimizer.learning_rate is -1; allowed is 0 < value <= 1000",
                                 "optimizer.learning_rate is -2; allowed is 0 < value <= 1000"));
}

TEST_F(CreateTest, AnInvalidAxisValueIsReportedAtTheAxis) {
  v1::CreateExperimentRequest request = TinyRequest("bad", 2);
  v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
  axis->set_field("epochs");
  axis->add_values("many");
  const grpc::Status status = TryCreate(request);
  EXPECT_EQ(ViolationsOf(status).count("experiment.axes.0.values"), 1U);
  EXPECT_EQ(status.error_message().rfind("epochs is \"many\"", 0), 0U) << status.error_message();
}

// gRPC sends details in trailers, which clients limit to 8 KiB.
TEST_F(CreateTest, RequestWithVeryManyViolationsIsStillInvalidArgument) {
  v1::CreateExperimentRequest request = TinyRequest("bad");
  for (int layer = 0; layer < 60; ++layer) {
    *request.mutable_experiment()->mutable_config()->mutable_network()->add_layers() =
        FromText<v1::HiddenLayer>("conv { filters: 0 kernel: 0 stride: 0 padding: -1 }");
  }
  const grpc::Status status = TryCreate(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
}

TEST_F(CreateTest, UnknownDataSetIsRejectedWithTheAvailableOnes) {
  v1::CreateExperimentRequest request = TinyRequest("bad");
  request.mutable_experiment()->mutable_config()->mutable_dataset()->set_name("cifar");
  const grpc::Status status = TryCreate(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(Mentions(status.error_message(), {"cifar", "tiny"}));
}

// Fields of a newer client: ignoring them would train a different experiment.
TEST_F(CreateTest, UnknownFieldsAreRejected) {
  v1::CreateExperimentRequest request = TinyRequest("e");
  v1::OptimizerConfig* optimizer =
      request.mutable_experiment()->mutable_config()->mutable_optimizer();
  optimizer->GetReflection()->MutableUnknownFields(optimizer)->AddVarint(999, 1);
  const grpc::Status status = TryCreate(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_TRUE(ViolationsOf(status).contains("experiment")) << status.error_message();
  EXPECT_FALSE(TryGet("experiments/e").ok());
}

TEST_F(CreateTest, RequestOverOneMebibyteIsRejected) {
  v1::CreateExperimentRequest request = TinyRequest("huge");
  (*request.mutable_experiment()->mutable_labels())["a"] = std::string(2 << 20, 'x');
  EXPECT_EQ(TryCreate(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(ListNames(), IsEmpty());
}

TEST_F(CreateTest, PagesOfLargeExperimentsFitIntoOneMessage) {
  constexpr int kCount = 6;
  for (int i = 0; i < kCount; ++i) {
    v1::CreateExperimentRequest request = TinyRequest(absl::StrCat("large-", i), 1);
    v1::SweepAxis* axis = request.mutable_experiment()->add_axes();
    axis->set_field("optimizer.learning_rate");
    axis->add_values("0.001" + std::string(800'000, '0'));
    Create(request);
  }
  v1::ListExperimentsRequest experiments;
  experiments.set_page_size(1000);
  int pages = 0;
  std::vector<std::string> names;
  do {
    v1::ListExperimentsResponse page;
    const grpc::Status status = TryList(experiments, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Experiment& experiment : page.experiments()) names.push_back(experiment.name());
    experiments.set_page_token(page.next_page_token());
    ++pages;
  } while (!experiments.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(names, ::testing::SizeIs(kCount));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());

  v1::ListRunsRequest runs;
  runs.set_parent("experiments/-");
  runs.set_page_size(1000);
  names.clear();
  do {
    v1::ListRunsResponse page;
    const grpc::Status status = TryListRuns(runs, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const v1::Run& run : page.runs()) names.push_back(run.name());
    runs.set_page_token(page.next_page_token());
  } while (!runs.page_token().empty());
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), kCount);
}

TEST_F(CreateTest, MalformedNamesAreInvalidAndUnknownNamesAreNotFound) {
  for (const std::string& name : {std::string(), std::string("mine"), std::string("experiments/"),
                                  std::string("experiments/UP"),
                                  std::string("experiments/a/runs/0"), std::string(100'000, 'a')}) {
    const grpc::Status status = TryGet(name);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name.substr(0, 50);
    EXPECT_EQ(ViolationsOf(status).count("name"), 1U);
    EXPECT_NE(ReasonOf(status), "");
  }
  v1::Run run;
  for (const std::string& name :
       {std::string("experiments/a"), std::string("experiments/a/runs/"),
        std::string("experiments/a/runs/-1"), std::string("experiments/a/runs/01"),
        std::string("experiments/a/runs/99999999999999999999")}) {
    EXPECT_EQ(TryGetRun(name, &run).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << name;
  }
  grpc::Status status = TryGet("experiments/unknown");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
  status = TryGetRun("experiments/unknown/runs/0", &run);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
  const std::string name = RunToEnd(TinyRequest("known", 1)).name();
  status = TryGetRun(name + "/runs/1", &run);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_NE(ReasonOf(status), "");
}

class ListTest : public DaemonTest {
 protected:
  void ExpectBadPage(const grpc::Status& status, const std::string& field) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_EQ(ViolationsOf(status).count(field), 1U);
    EXPECT_NE(ReasonOf(status), "");
  }
};

TEST_F(ListTest, PagesGoThroughAllExperimentsNewestFirst) {
  for (const char* id : {"a", "b", "c", "d", "e"}) Create(TinyRequest(id, 1));
  v1::ListExperimentsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  std::vector<int> sizes;
  do {
    v1::ListExperimentsResponse response;
    ASSERT_TRUE(TryList(request, &response).ok());
    sizes.push_back(response.experiments_size());
    for (const v1::Experiment& experiment : response.experiments()) {
      names.push_back(experiment.name());
      EXPECT_FALSE(experiment.has_network());
      EXPECT_EQ(experiment.run_counts().total(), 1);
    }
    request.set_page_token(response.next_page_token());
    // New experiments do not affect later pages.
    Create(TinyRequest("", 1));
  } while (!request.page_token().empty());
  EXPECT_THAT(sizes, ElementsAre(2, 2, 1));
  EXPECT_THAT(names, ElementsAre("experiments/e", "experiments/d", "experiments/c", "experiments/b",
                                 "experiments/a"));
}

TEST_F(ListTest, PageSizesAreCoercedAndNegativeOnesRefused) {
  v1::CreateExperimentRequest request = TinyRequest("many", 1);
  for (int seed = 0; seed < 1001; ++seed) request.mutable_experiment()->add_seeds(seed);
  const std::string name = Create(request).name();
  Cancel(name);
  const auto size = [&](int32_t page_size) {
    v1::ListRunsRequest list;
    list.set_parent(name);
    list.set_page_size(page_size);
    v1::ListRunsResponse response;
    EXPECT_TRUE(TryListRuns(list, &response).ok());
    EXPECT_NE(response.next_page_token(), "");
    return response.runs_size();
  };
  EXPECT_EQ(size(0), 50);
  EXPECT_EQ(size(1), 1);
  EXPECT_EQ(size(1000), 1000);
  EXPECT_EQ(size(1001), 1000);
  EXPECT_EQ(size(std::numeric_limits<int32_t>::max()), 1000);

  v1::ListRunsRequest runs;
  runs.set_parent(name);
  runs.set_page_size(-1);
  v1::ListRunsResponse runs_response;
  ExpectBadPage(TryListRuns(runs, &runs_response), "page_size");
  v1::ListExperimentsRequest experiments;
  experiments.set_page_size(std::numeric_limits<int32_t>::min());
  v1::ListExperimentsResponse experiments_response;
  ExpectBadPage(TryList(experiments, &experiments_response), "page_size");
  v1::ListEpochsRequest epochs;
  epochs.set_parent(name + "/runs/0");
  epochs.set_page_size(-1);
  v1::ListEpochsResponse epochs_response;
  ExpectBadPage(TryListEpochs(epochs, &epochs_response), "page_size");
  v1::ListThetasRequest thetas;
  thetas.set_parent(name + "/runs/0");
  thetas.set_page_size(-1);
  v1::ListThetasResponse thetas_response;
  ExpectBadPage(TryListThetas(thetas, &thetas_response), "page_size");
}

TEST_F(ListTest, PageTokenIsBoundToItsRequest) {
  v1::CreateExperimentRequest create = TinyRequest("a", 2);
  for (int seed = 0; seed < 3; ++seed) create.mutable_experiment()->add_seeds(seed);
  const std::string name = RunToEnd(create).name();
  create.set_experiment_id("b");
  RunToEnd(create);

  v1::ListRunsRequest request;
  request.set_parent(name);
  request.set_page_size(1);
  v1::ListRunsResponse response;
  ASSERT_TRUE(TryListRuns(request, &response).ok());
  const std::string token = response.next_page_token();
  ASSERT_NE(token, "");
  request.set_page_token(token);
  ASSERT_TRUE(TryListRuns(request, &response).ok());
  ASSERT_EQ(response.runs_size(), 1);
  EXPECT_EQ(response.runs(0).name(), name + "/runs/1");

  v1::ListRunsRequest other_parent = request;
  other_parent.set_parent("experiments/b");
  ExpectBadPage(TryListRuns(other_parent, &response), "page_token");
  v1::ListRunsRequest other_view = request;
  other_view.set_view(v1::RUN_VIEW_FULL);
  ExpectBadPage(TryListRuns(other_view, &response), "page_token");
  for (const std::string& bad : {std::string("x"), std::string("!!!"), token + "A", token.substr(1),
                                 std::string(10'000, 'A')}) {
    request.set_page_token(bad);
    ExpectBadPage(TryListRuns(request, &response), "page_token");
  }
  v1::ListExperimentsRequest other_list;
  other_list.set_page_token(token);
  v1::ListExperimentsResponse experiments;
  ExpectBadPage(TryList(other_list, &experiments), "page_token");

  v1::ListEpochsRequest epochs;
  epochs.set_parent(name + "/runs/0");
  epochs.set_page_size(1);
  v1::ListEpochsResponse epoch_page;
  ASSERT_TRUE(TryListEpochs(epochs, &epoch_page).ok());
  epochs.set_page_token(epoch_page.next_page_token());
  epochs.set_parent(name + "/runs/1");
  ExpectBadPage(TryListEpochs(epochs, &epoch_page), "page_token");
}

}  // namespace
}  // namespace anneal
