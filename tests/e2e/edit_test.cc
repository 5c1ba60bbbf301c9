// Tests edit, delete, undelete, purge, locks, changes by filter, list with filter and order, queue,
// and watching all experiments, as users type them.

#include <csignal>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One worker, so that runs submitted while it is busy stay queued.
class EditTest : public ::testing::Test {
 protected:
  Finished Anneal(const std::vector<std::string>& arguments) const {
    return daemon_.Anneal(arguments);
  }
  std::string Output(const std::vector<std::string>& arguments) const {
    const Finished finished = Anneal(arguments);
    EXPECT_EQ(finished.code, kFine) << arguments[0] << ": " << finished.errors;
    return finished.output;
  }

  TestDaemon daemon_{TestDaemon::Address::kTcp, /*workers=*/1};
};

TEST_F(EditTest, LabelsNoteAndPriorityChangeOneByOne) {
  daemon_.RunToEnd("e", {"--label", "owner=ada", "--label", "paper=fig-1", "--note", "first"});
  EXPECT_EQ(Output({"edit", "e", "--label", "team=vision", "--unlabel", "paper"}), "updated e\n");
  EXPECT_EQ(Output({"edit", "e", "--note", "", "--priority", "-3"}), "updated e\n");
  const std::string shown = Output({"show", "e"});
  EXPECT_THAT(shown, HasSubstr("labels:        owner=ada team=vision\n"));
  EXPECT_THAT(shown, HasSubstr("priority:      -3\n"));
  EXPECT_THAT(shown, Not(HasSubstr("note:")));
  EXPECT_THAT(shown, HasSubstr("user:"));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "none", "--note", "x"}), kFailed, {"none"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e", "--priority", "5000"}), kBadUsage,
                             {"priority", "5000", "1000"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e", "--label", "novalue"}), kBadUsage,
                             {"--label", "novalue"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e"}), kBadUsage, {"--label", "--priority"}));
}

TEST_F(EditTest, RunsHaveLabelsAndANoteOfTheirOwn) {
  daemon_.RunToEnd("e", {"--seeds", "0,1", "--label", "kind=all"});
  EXPECT_EQ(Output({"edit", "e/1", "--label", "kind=odd", "--label", "a=b", "--note", "spike"}),
            "updated e/1\n");
  EXPECT_EQ(Output({"edit", "e/1", "--unlabel", "a"}), "updated e/1\n");
  const v1::Run run = daemon_.GetRun("e/1");
  EXPECT_EQ(run.note(), "spike");
  EXPECT_EQ(run.labels_size(), 1);
  EXPECT_EQ(run.labels().at("kind"), "odd");
  EXPECT_EQ(daemon_.GetRun("e/0").note(), "");
  EXPECT_EQ(Output({"list", "-", "-q", "--filter", "labels.kind = odd"}), "e/1\n");
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e/1", "--priority", "1"}), kBadUsage,
                             {"--priority", "e/1", "experiment"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e/1", "--unlock"}), kBadUsage, {"--lock", "e/1"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"edit", "e/7", "--note", "x"}), kFailed, {"e/7"}));
}

TEST_F(EditTest, ALockedExperimentIsDeletedOnlyWhenUnlocked) {
  daemon_.RunToEnd("a", {"--lock"});
  daemon_.RunToEnd("b");
  EXPECT_EQ(Output({"edit", "b", "--lock"}), "updated b\n");
  for (const char* name : {"a", "b"}) {
    for (const char* option : {"-y", "--force"}) {
      EXPECT_TRUE(IsOneLineError(Anneal({"delete", name, option}), kFailed,
                                 {"locked", absl::StrCat("anneal edit ", name, " --unlock")}));
    }
  }
  EXPECT_EQ(Output({"list", "-q"}), "b\na\n");
  EXPECT_EQ(Output({"edit", "a", "b", "--unlock"}), "updated a\nupdated b\n");
  EXPECT_EQ(Output({"delete", "a", "b"}), "deleted a\ndeleted b\n");
  EXPECT_EQ(Anneal({"edit", "a", "--lock", "--unlock"}).code, kBadUsage);
}

TEST_F(EditTest, ADeletedExperimentCanBeUndeletedAndPurged) {
  daemon_.RunToEnd("a");
  daemon_.RunToEnd("b");
  EXPECT_EQ(Output({"delete", "a"}), "deleted a\n");
  EXPECT_EQ(Output({"list", "-q"}), "b\n");
  EXPECT_EQ(Output({"list", "-q", "--deleted"}), "b\na\n");
  EXPECT_THAT(Output({"list", "--deleted"}), HasSubstr("deleted"));
  EXPECT_TRUE(IsOneLineError(Anneal({"retry", "a"}), kFailed, {"deleted", "anneal undelete a"}));
  EXPECT_EQ(Output({"undelete", "a"}), "undeleted a\n");
  EXPECT_EQ(Output({"list", "-q"}), "b\na\n");
  EXPECT_TRUE(IsOneLineError(Anneal({"purge", "a"}), kFailed, {"not deleted"}));
  Output({"delete", "a"});
  EXPECT_EQ(Output({"purge", "a"}), "purged a\n");
  EXPECT_TRUE(IsOneLineError(Anneal({"show", "a"}), kFailed, {"\"a\""}));
  daemon_.RunToEnd("a");
  EXPECT_EQ(daemon_.GetRun("a/0").state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(EditTest, FilterSelectsTheExperimentsToChange) {
  daemon_.Submit("busy", {"--set", "epochs=100000"});
  for (const char* id : {"x1", "x2", "y1"}) {
    daemon_.Submit(id, {"--label", absl::StrCat("group=", std::string(1, id[0]))});
  }
  const std::string filter = "labels.group = x AND state = PENDING";
  EXPECT_EQ(Output({"cancel", "--filter", filter, "--dry-run"}), "x2\nx1\n");
  const Finished unsure = Anneal({"cancel", "--filter", filter});
  EXPECT_TRUE(IsOneLineError(unsure, kBadUsage, {"2 experiments", "--yes"}));
  const auto asked = daemon_.StartAnneal({"cancel", "--filter", filter}, {.terminal = true});
  ASSERT_TRUE(asked->WaitFor([](const std::string& output, const std::string&) {
    return absl::StrContains(output, "cancel 2 experiments? [y/N]");
  }));
  asked->Type("n\n");
  const auto no = asked->Wait();
  ASSERT_TRUE(no.has_value());
  EXPECT_EQ(no->code, kFailed);
  EXPECT_EQ(Output({"list", "-q", "--filter", filter}), "x2\nx1\n");
  EXPECT_EQ(Output({"cancel", "--filter", filter, "--yes"}), "cancelled x2\ncancelled x1\n");
  EXPECT_EQ(Output({"list", "-q", "--filter", "state = PENDING"}), "y1\n");
  EXPECT_EQ(Output({"delete", "--filter", "state = CANCELLED", "-y"}), "deleted x2\ndeleted x1\n");
  EXPECT_EQ(Output({"delete", "busy", "--force"}), "deleted busy\n");
  EXPECT_EQ(Output({"undelete", "--filter", "id = x*", "-y"}), "undeleted x2\nundeleted x1\n");
  EXPECT_TRUE(IsOneLineError(Anneal({"cancel"}), kBadUsage, {"--filter"}));
  EXPECT_TRUE(
      IsOneLineError(Anneal({"cancel", "x1", "--filter", "id = x*"}), kBadUsage, {"names"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"cancel", "--filter", "sate = X", "-y"}), kBadUsage,
                             {"sate", "state"}));
}

TEST_F(EditTest, ListsTakeFiltersAndOrders) {
  daemon_.RunToEnd("low", {"--set", "optimizer.learning_rate=0.0001", "--seeds", "0..1"});
  daemon_.RunToEnd("high", {"--set", "optimizer.learning_rate=0.01"});
  EXPECT_EQ(Output({"list", "-q", "--filter", "optimizer.learning_rate > 0.001"}), "high\n");
  EXPECT_EQ(Output({"list", "-q", "--order-by", "id"}), "high\nlow\n");
  EXPECT_EQ(Output({"list", "low", "-q", "--filter", "seed = 1"}), "low/1\n");
  EXPECT_EQ(Output({"list", "-", "-q", "--order-by", "optimizer.learning_rate, seed desc"}),
            "low/1\nlow/0\nhigh/0\n");
  EXPECT_EQ(Output({"list", "-", "-q", "--filter", "test_accuracy < 0"}), "");
  EXPECT_TRUE(IsOneLineError(Anneal({"list", "--filter", "state ="}), kBadUsage,
                             {"filter", "character 8", "value"}));
  EXPECT_TRUE(IsOneLineError(Anneal({"list", "--order-by", "test_accuracy"}), kBadUsage,
                             {"--sort", "runs"}));
}

TEST_F(EditTest, QueueListsPendingRunsInEveryFormat) {
  EXPECT_EQ(Output({"queue", "-q"}), "");
  daemon_.Submit("busy", {"--set", "epochs=100000"});
  ASSERT_TRUE(daemon_.WaitForEpochs("busy/0", 1));
  daemon_.Submit("later", {"--seeds", "0..1"});
  daemon_.Submit("sooner", {"--priority", "2"});
  EXPECT_EQ(Output({"queue", "-q"}), "sooner/0\nlater/0\nlater/1\n");
  EXPECT_EQ(Output({"queue", "-q", "--limit", "1"}), "sooner/0\n");
  EXPECT_THAT(Output({"queue"}), HasSubstr("sooner/0         2"));
  const std::string csv = Output({"queue", "--output", "csv"});
  EXPECT_TRUE(absl::StartsWith(csv, "name,position,priority,user,estimated_start_time\n")) << csv;
  EXPECT_THAT(csv, HasSubstr("experiments/later/runs/1,2,0,"));
  EXPECT_THAT(Output({"queue", "--output", "json"}), HasSubstr("\"estimated_start_time\""));
}

TEST(WatchAllTest, ContinuesAfterARestart) {
  // Uses a separate daemon on a socket, whose address survives the restart.
  TestDaemon daemon(TestDaemon::Address::kSocket);
  const auto watch = daemon.StartAnneal({"watch", "-", "--output", "jsonl"});
  // Events before the watcher has connected are not sent to it: keep producing them until it has.
  int submitted = 0;
  while (watch->output().empty() && submitted < 100) {
    daemon.RunToEnd(absl::StrCat("before-", submitted++));
  }
  daemon.Kill();
  daemon.Start();
  daemon.RunToEnd("after");
  ASSERT_TRUE(watch->WaitFor([](const std::string& output, const std::string&) {
    return absl::StrContains(output, "experiments/after") &&
           absl::StrContains(output.substr(output.rfind('{')), "SUCCEEDED");
  })) << watch->output()
      << watch->errors();
  watch->Signal(SIGINT);
  const auto finished = watch->Wait();
  ASSERT_TRUE(finished.has_value());
  EXPECT_EQ(finished->code, kDetached);
  // One line per event, each position once.
  int64_t last = 0;
  for (const std::string& line : Lines(finished->output)) {
    const auto event = ParseJson<v1::Event>(line);
    if (last != 0) {
      EXPECT_EQ(event.position(), last + 1);
    }
    last = event.position();
  }
  EXPECT_GT(last, 0);
}

}  // namespace
}  // namespace anneal
