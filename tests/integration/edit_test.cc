// Tests changes of existing experiments (updates, deletion, purges), lists with filters, and the
// queue.

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/resource_name.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EditTest : public DaemonTest {
 protected:
  grpc::Status Update(const v1::UpdateExperimentRequest& request, v1::Experiment* response) {
    Context context;
    return experiments_->UpdateExperiment(&context, request, response);
  }
  v1::Experiment Updated(const v1::UpdateExperimentRequest& request) {
    v1::Experiment response;
    const grpc::Status status = Update(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  grpc::Status Delete(const std::string& name, bool force = false,
                      v1::Experiment* response = nullptr) {
    Context context;
    v1::DeleteExperimentRequest request;
    request.set_name(name);
    request.set_force(force);
    v1::Experiment ignored;
    return experiments_->DeleteExperiment(&context, request,
                                          response == nullptr ? &ignored : response);
  }
  grpc::Status Undelete(const std::string& name) {
    Context context;
    v1::UndeleteExperimentRequest request;
    request.set_name(name);
    v1::Experiment response;
    return experiments_->UndeleteExperiment(&context, request, &response);
  }
  grpc::Status Purge(const std::string& name) {
    Context context;
    v1::PurgeExperimentRequest request;
    request.set_name(name);
    v1::PurgeExperimentResponse response;
    return experiments_->PurgeExperiment(&context, request, &response);
  }
  // Retries until the worker has released the run.
  grpc::Status PurgeWhenPossible(const std::string& name) {
    const auto end = std::chrono::steady_clock::now() + kLongestCall;
    grpc::Status status = Purge(name);
    while (std::chrono::steady_clock::now() < end &&
           status.error_code() == grpc::StatusCode::FAILED_PRECONDITION &&
           ReasonOf(status) == "RUN_STOPPING") {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      status = Purge(name);
    }
    return status;
  }
  static v1::UpdateExperimentRequest UpdateOf(const std::string& name,
                                              const std::vector<std::string>& fields) {
    v1::UpdateExperimentRequest request;
    request.mutable_experiment()->set_name(name);
    for (const std::string& field : fields) request.mutable_update_mask()->add_paths(field);
    return request;
  }
  v1::ListQueueResponse Queue(int page_size = 0, const std::string& page_token = "") {
    Context context;
    v1::ListQueueRequest request;
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    v1::ListQueueResponse response;
    const grpc::Status status = runs_->ListQueue(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  std::string Listed(v1::ListExperimentsRequest request) {
    v1::ListExperimentsResponse response;
    const grpc::Status status = TryList(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::vector<std::string> names;
    for (const auto& experiment : response.experiments()) {
      names.push_back(ShortenName(experiment.name()));
    }
    return absl::StrJoin(names, " ");
  }
  std::string Filtered(const std::string& filter, const std::string& order_by = "") {
    v1::ListExperimentsRequest request;
    request.set_filter(filter);
    request.set_order_by(order_by);
    return Listed(request);
  }
};

TEST_F(EditTest, UpdateChangesTheFieldsOfTheMaskOnly) {
  v1::CreateExperimentRequest created = TinyRequest("e", 1);
  created.mutable_experiment()->set_note("before");
  (*created.mutable_experiment()->mutable_labels())["keep"] = "me";
  const std::string name = RunToEnd(created).name();
  const v1::Experiment before = Get(name);

  v1::UpdateExperimentRequest request = UpdateOf(name, {"note"});
  request.mutable_experiment()->set_note("after");
  request.mutable_experiment()->set_priority(7);
  const v1::Experiment noted = Updated(request);
  EXPECT_EQ(noted.note(), "after");
  EXPECT_EQ(noted.priority(), 0);
  EXPECT_EQ(noted.labels().at("keep"), "me");
  EXPECT_NE(noted.etag(), before.etag());
  EXPECT_EQ(noted.last_sequence(), before.last_sequence() + 1) << "watchers hear of it";

  request = UpdateOf(name, {"labels", "priority"});
  request.mutable_experiment()->set_priority(-5);
  auto* labels = request.mutable_experiment()->mutable_labels();
  (*labels)["team"] = "vision";
  // Many labels, because map entries are unordered.
  for (int i = 0; i < 30; ++i) (*labels)[absl::StrCat("n", i)] = "";
  const v1::Experiment labelled = Updated(request);
  EXPECT_EQ(labelled.labels_size(), 31);
  EXPECT_EQ(labelled.labels().at("team"), "vision");
  EXPECT_EQ(labelled.priority(), -5);
  EXPECT_EQ(labelled.note(), "after");

  // Repeating the update changes nothing and emits no event.
  EXPECT_EQ(Updated(request).last_sequence(), labelled.last_sequence());
  EXPECT_EQ(Updated(request).etag(), labelled.etag());

  // No mask updates the set fields; `*` updates all fields.
  request = UpdateOf(name, {});
  request.mutable_experiment()->set_note("third");
  EXPECT_EQ(Updated(request).priority(), -5);
  const v1::Experiment cleared = Updated(UpdateOf(name, {"*"}));
  EXPECT_EQ(cleared.note(), "");
  EXPECT_EQ(cleared.priority(), 0);
  EXPECT_EQ(cleared.labels_size(), 0);

  Stop();
  Start();
  EXPECT_EQ(Get(name).etag(), cleared.etag());
  EXPECT_EQ(Filtered("labels.team:*"), "");
}

TEST_F(EditTest, UpdateOfAnEarlierVersionIsAborted) {
  const std::string name = RunToEnd(TinyRequest("e", 1)).name();
  v1::UpdateExperimentRequest request = UpdateOf(name, {"note"});
  request.mutable_experiment()->set_etag(Get(name).etag());
  request.mutable_experiment()->set_note("mine");
  Updated(request);
  request.mutable_experiment()->set_note("mine again");
  v1::Experiment response;
  const grpc::Status status = Update(request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_EQ(ReasonOf(status), "ETAG_MISMATCH");
  EXPECT_EQ(Get(name).note(), "mine");
}

TEST_F(EditTest, InvalidUpdateIsRejectedAtomically) {
  const std::string name = RunToEnd(TinyRequest("e", 1)).name();
  const v1::Experiment before = Get(name);
  v1::Experiment response;
  const auto refused = [&](const v1::UpdateExperimentRequest& request, const std::string& field) {
    const grpc::Status status = Update(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_EQ(ViolationsOf(status).count(field), 1U) << status.error_message();
  };
  refused(UpdateOf(name, {"config"}), "update_mask");
  refused(UpdateOf(name, {"note", "name"}), "update_mask");
  refused(UpdateOf(name, {}), "update_mask");
  refused(UpdateOf("first", {"note"}), "experiment.name");
  v1::UpdateExperimentRequest request = UpdateOf(name, {"note", "priority", "labels"});
  request.mutable_experiment()->set_note(std::string(5000, 'x'));
  refused(request, "experiment.note");
  request.mutable_experiment()->set_note("fine");
  request.mutable_experiment()->set_priority(1001);
  refused(request, "experiment.priority");
  request.mutable_experiment()->set_priority(0);
  (*request.mutable_experiment()->mutable_labels())["No!"] = "";
  refused(request, "experiment.labels");
  EXPECT_EQ(Update(UpdateOf("experiments/none", {"note"}), &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Get(name).SerializeAsString(), before.SerializeAsString());
}

TEST_F(EditTest, PriorityAppliesToPendingRuns) {
  workers_ = 1;
  Stop();
  Start();
  const std::string busy = StartEndless("busy");
  Create(TinyRequest("early"));
  const std::string late = Create(TinyRequest("late")).name();
  EXPECT_EQ(GetRun(late + "/runs/0").queue_position(), 1);
  v1::UpdateExperimentRequest request = UpdateOf(late, {"priority"});
  request.mutable_experiment()->set_priority(5);
  Updated(request);
  EXPECT_EQ(GetRun(late + "/runs/0").queue_position(), 0);
  EXPECT_EQ(Queue().runs(0).name(), late + "/runs/0");
  EXPECT_EQ(Queue().runs(0).priority(), 5);
  Cancel(busy);
  WaitForEnd(late);
}

TEST_F(EditTest, DeletedExperimentIsHiddenKeepsItsIdAndCanBeUndeleted) {
  const std::string name = RunToEnd(TinyRequest("e", 1)).name();
  v1::Experiment deleted;
  ASSERT_TRUE(Delete(name, false, &deleted).ok());
  EXPECT_TRUE(deleted.has_delete_time());
  EXPECT_TRUE(Delete(name).ok()) << "deleting again changes nothing";
  EXPECT_THAT(ListNames(), IsEmpty());
  EXPECT_TRUE(Get(name).has_delete_time());
  EXPECT_EQ(TryCreate(TinyRequest("e")).error_code(), grpc::StatusCode::ALREADY_EXISTS);
  v1::ListExperimentsRequest list;
  list.set_show_deleted(true);
  EXPECT_EQ(Listed(list), "e");
  list.set_filter("delete_time:*");
  EXPECT_EQ(Listed(list), "e");

  v1::Experiment response;
  v1::UpdateExperimentRequest update = UpdateOf(name, {"note"});
  update.mutable_experiment()->set_note("too late");
  const grpc::Status refused = Update(update, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "EXPERIMENT_DELETED");
  Context context;
  v1::ExtendRunRequest extend;
  extend.set_name(name + "/runs/0");
  extend.set_epochs(9);
  v1::Run run;
  EXPECT_EQ(ReasonOf(runs_->ExtendRun(&context, extend, &run)), "EXPERIMENT_DELETED");

  Stop();
  Start();
  EXPECT_THAT(ListNames(), IsEmpty());
  ASSERT_TRUE(Undelete(name).ok());
  EXPECT_THAT(ListNames(), ElementsAre(name));
  EXPECT_FALSE(Get(name).has_delete_time());
  EXPECT_EQ(Undelete("experiments/none").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(EditTest, DeletingARunningExperimentNeedsForce) {
  const std::string name = StartEndless("e");
  const grpc::Status refused = Delete(name);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "RUNS_NOT_ENDED");
  EXPECT_EQ(Get(name).state(), v1::RUN_STATE_RUNNING);
  v1::Experiment deleted;
  ASSERT_TRUE(Delete(name, /*force=*/true, &deleted).ok());
  EXPECT_EQ(deleted.state(), v1::RUN_STATE_CANCELLED);
  EXPECT_TRUE(deleted.has_delete_time());
}

TEST_F(EditTest, PurgeRemovesEverythingAndFreesTheId) {
  v1::CreateExperimentRequest request = TinyRequest("e", 2);
  request.mutable_experiment()->mutable_config()->mutable_checkpoint()->set_every_epochs(1);
  const std::string name = RunToEnd(request).name();
  EXPECT_TRUE(std::filesystem::exists(directory_.file("data/checkpoints/e")));
  const grpc::Status refused = Purge(name);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(refused), "EXPERIMENT_NOT_DELETED");
  ASSERT_TRUE(Delete(name).ok());
  const grpc::Status purged = PurgeWhenPossible(name);
  ASSERT_TRUE(purged.ok()) << purged.error_message();
  EXPECT_EQ(TryGet(name).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Purge(name).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_FALSE(std::filesystem::exists(directory_.file("data/checkpoints/e")));
  const v1::Experiment again = RunToEnd(request);
  EXPECT_EQ(again.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(ListEpochs(name + "/runs/0").size(), 2U);
}

TEST_F(EditTest, PurgingEndsWatches) {
  const std::string name = StartEndless("e");
  Context context;
  v1::PauseExperimentRequest pause;
  pause.set_name(name);
  v1::Experiment paused;
  ASSERT_TRUE(experiments_->PauseExperiment(&context, pause, &paused).ok());
  Watch watch(experiments_.get(), name);
  ASSERT_TRUE(watch.Until(
      [](const v1::Event& event) { return event.state_change().to() == v1::RUN_STATE_SUSPENDED; }));
  ASSERT_TRUE(Delete(name, /*force=*/true).ok());
  ASSERT_TRUE(PurgeWhenPossible(name).ok());
  const grpc::Status status = watch.Finish();
  // OK if the watcher saw the last run end; NOT_FOUND if the log was already removed.
  EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND)
      << status.error_message();
}

TEST_F(EditTest, ListsTakeFiltersOrdersAndPagesBoundToThem) {
  for (const char* id : {"c", "a", "b"}) {
    v1::CreateExperimentRequest request = TinyRequest(id, 1);
    (*request.mutable_experiment()->mutable_labels())["team"] = id[0] == 'a' ? "x" : "y";
    request.mutable_experiment()->set_user("ada");
    RunToEnd(request);
  }
  EXPECT_EQ(Filtered("labels.team = y"), "b c");
  EXPECT_EQ(Filtered("state = SUCCEEDED AND test_accuracy >= 0 AND user = ada", "id"), "a b c");
  EXPECT_EQ(Filtered("epochs = 1 AND dataset.name = tiny", "id desc"), "c b a");

  v1::ListExperimentsRequest request;
  request.set_order_by("id");
  request.set_filter("epochs = 1");
  request.set_page_size(2);
  v1::ListExperimentsResponse page;
  ASSERT_TRUE(TryList(request, &page).ok());
  ASSERT_NE(page.next_page_token(), "");
  request.set_page_token(page.next_page_token());
  EXPECT_EQ(Listed(request), "c");
  for (const auto& change : std::vector<std::pair<std::string, std::string>>{
           {"epochs = 2", "id"}, {"epochs = 1", "id desc"}, {"epochs = 1", ""}}) {
    v1::ListExperimentsRequest other = request;
    other.set_filter(change.first);
    other.set_order_by(change.second);
    const grpc::Status status = TryList(other, &page);
    EXPECT_EQ(ViolationsOf(status).count("page_token"), 1U) << status.error_message();
  }

  v1::ListRunsRequest runs;
  runs.set_parent("experiments/-");
  runs.set_filter("labels.team = y AND seed = 0");
  runs.set_order_by("experiment");
  v1::ListRunsResponse listed;
  ASSERT_TRUE(TryListRuns(runs, &listed).ok());
  ASSERT_EQ(listed.runs_size(), 2);
  EXPECT_EQ(listed.runs(0).name(), "experiments/b/runs/0");
  EXPECT_EQ(listed.runs(1).name(), "experiments/c/runs/0");
  runs.set_filter("sate = x");
  const grpc::Status refused = TryListRuns(runs, &listed);
  EXPECT_EQ(ViolationsOf(refused).count("filter"), 1U) << refused.error_message();
}

TEST_F(EditTest, QueueHasPlacesUsersTurnsAndEstimates) {
  workers_ = 1;
  Stop();
  Start();
  EXPECT_EQ(Queue().total_size(), 0);
  const std::string busy = StartEndless("busy");
  v1::CreateExperimentRequest request = TinyRequest("ada-1", 3);
  for (int seed = 0; seed < 3; ++seed) request.mutable_experiment()->add_seeds(seed);
  request.mutable_experiment()->set_user("ada");
  Create(request);
  request.set_experiment_id("bob-1");
  request.mutable_experiment()->set_user("bob");
  Create(request);
  const v1::ListQueueResponse queue = Queue();
  std::vector<std::string> names;
  for (int i = 0; i < queue.runs_size(); ++i) {
    const v1::QueuedRun& run = queue.runs(i);
    names.push_back(ShortenName(run.name()));
    EXPECT_EQ(run.position(), i);
    EXPECT_EQ(GetRun(run.name()).queue_position(), i) << run.name();
    EXPECT_TRUE(run.has_estimated_start_time()) << "the running run has recorded epochs";
    if (i > 0) {
      EXPECT_GE(run.estimated_start_time().seconds(),
                queue.runs(i - 1).estimated_start_time().seconds());
    }
  }
  EXPECT_THAT(names, ElementsAre("ada-1/0", "bob-1/0", "ada-1/1", "bob-1/1", "ada-1/2", "bob-1/2"));
  EXPECT_EQ(queue.total_size(), 6);
  const v1::ListQueueResponse first = Queue(4);
  EXPECT_EQ(first.runs_size(), 4);
  const v1::ListQueueResponse rest = Queue(4, first.next_page_token());
  EXPECT_EQ(rest.runs_size(), 2);
  EXPECT_EQ(rest.runs(0).position(), 4);
  EXPECT_EQ(rest.next_page_token(), "");

  // They start in that order.
  Cancel(busy);
  WaitForEnd("experiments/ada-1");
  WaitForEnd("experiments/bob-1");
  std::vector<std::pair<int64_t, std::string>> started;
  for (const char* id : {"ada-1", "bob-1"}) {
    for (const v1::Run& run : ListRuns(absl::StrCat("experiments/", id))) {
      started.emplace_back(run.start_time().seconds() * 1'000'000'000 + run.start_time().nanos(),
                           ShortenName(run.name()));
    }
  }
  std::sort(started.begin(), started.end());
  for (size_t i = 0; i < names.size(); ++i) EXPECT_EQ(started[i].second, names[i]);
}

}  // namespace
}  // namespace anneal
