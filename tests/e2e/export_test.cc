// Tests anneal export and anneal report: complete files, and their errors.

#include <csignal>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "client/exporters/event.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> Lines(const std::string& path) {
  return absl::StrSplit(Contents(path), '\n', absl::SkipEmpty());
}

// Computes the CRC bit by bit from the polynomial, independently of the library.
uint32_t MaskedCrc32c(const std::string& bytes) {
  uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0);
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

template <typename Number>
Number NumberAt(const std::string& bytes, size_t offset) {
  Number number = 0;
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

// Reads the events of a file; fails the test on a truncated frame or a wrong CRC.
std::vector<tensorboard::Event> ReadEvents(const std::string& path) {
  const std::string bytes = Contents(path);
  std::vector<tensorboard::Event> events;
  for (size_t at = 0; at < bytes.size();) {
    if (at + 12 > bytes.size()) {
      ADD_FAILURE() << path << " ends in a frame's header";
      break;
    }
    const auto length = NumberAt<uint64_t>(bytes, at);
    EXPECT_EQ(NumberAt<uint32_t>(bytes, at + 8), MaskedCrc32c(bytes.substr(at, 8)));
    if (at + 16 + length > bytes.size()) {
      ADD_FAILURE() << path << " ends in a frame";
      break;
    }
    const std::string payload = bytes.substr(at + 12, length);
    EXPECT_EQ(NumberAt<uint32_t>(bytes, at + 12 + length), MaskedCrc32c(payload));
    EXPECT_TRUE(events.emplace_back().ParseFromString(payload));
    at += 16 + length;
  }
  return events;
}

// Reads the only event file in the directory.
std::vector<tensorboard::Event> EventsIn(const std::string& directory) {
  const Finished found = RunProcess({"/usr/bin/find", directory, "-name", "*tfevents*"});
  return ReadEvents(found.output.substr(0, found.output.find('\n')));
}

std::vector<int64_t> StepsOf(const std::vector<tensorboard::Event>& events,
                             const std::string& tag) {
  std::vector<int64_t> steps;
  for (const auto& event : events) {
    for (const auto& value : event.summary().value()) {
      if (value.tag() == tag) steps.push_back(event.step());
    }
  }
  return steps;
}

class ExportTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestDaemon>();
    daemon_->RunToEnd("first", {"--seeds", "0..1"});
    daemon_->RunToEnd("other", {"--set", "theta.policy=FIXED"});
  }
  static void TearDownTestSuite() { daemon_.reset(); }

  static std::unique_ptr<TestDaemon> daemon_;
  TempDirectory directory_;
};
std::unique_ptr<TestDaemon> ExportTest::daemon_;

TEST_F(ExportTest, CsvHasEveryRunEpochAndConfusion) {
  const std::string out = directory_.file("deep/csv");
  // A run named twice is exported once.
  const Finished done =
      daemon_->Anneal({"export", "csv", "first", "other/0", "first/1", "--out", out});
  ASSERT_EQ(done.code, kFine) << done.errors;
  EXPECT_EQ(done.output, out + ": 3 runs\n");
  EXPECT_EQ(Lines(out + "/experiments.csv").size(), 1 + 2);
  EXPECT_EQ(Lines(out + "/runs.csv").size(), 1 + 3);
  EXPECT_EQ(Lines(out + "/epochs.csv").size(), 1 + 3 * 3);
  EXPECT_EQ(Lines(out + "/confusion.csv").size(), 1 + 3 * 2 * 4 * 4);
  EXPECT_THAT(Lines(out + "/runs.csv")[0], HasSubstr("config_optimizer_learning_rate"));
  // The same digits as in history.
  const std::string history = daemon_->Anneal({"history", "first/1", "--output", "csv"}).output;
  const std::vector<std::string> rows = absl::StrSplit(history, '\n', absl::SkipEmpty());
  EXPECT_THAT(Contents(out + "/epochs.csv"), HasSubstr("first/1,1," + rows[3]));
}

TEST_F(ExportTest, JsonHasOneFilePerExperiment) {
  const std::string out = directory_.file("json");
  const Finished done =
      daemon_->Anneal({"export", "json", "first/1", "other", "first/0", "--out", out});
  ASSERT_EQ(done.code, kFine) << done.errors;
  const std::string first = Contents(out + "/first.json");
  EXPECT_THAT(first, HasSubstr("\"name\":\"experiments/first/runs/0\""));
  EXPECT_THAT(first, HasSubstr("\"name\":\"experiments/first/runs/1\""));
  EXPECT_THAT(first, Not(HasSubstr("experiments/other")));
  EXPECT_THAT(Contents(out + "/other.json"), HasSubstr("experiments/other/runs/0"));
  EXPECT_EQ(RunProcess({"/usr/bin/python3", "-m", "json.tool", out + "/first.json"}).code, 0);
}

TEST_F(ExportTest, TensorboardFilesAreReadBack) {
  const std::string logs = directory_.file("logs");
  const Finished done =
      daemon_->Anneal({"export", "tensorboard", "first", "other", "--logdir", logs});
  ASSERT_EQ(done.code, kFine) << done.errors;
  EXPECT_THAT(done.output, HasSubstr("3 runs, 9 epochs"));
  const auto events = EventsIn(logs + "/first/1");
  ASSERT_GT(events.size(), 2U);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  for (const char* tag : {"train/loss", "validation/accuracy", "theta/mean"}) {
    EXPECT_EQ(StepsOf(events, tag), std::vector<int64_t>({1, 2, 3})) << tag;
  }
  EXPECT_EQ(StepsOf(events, "test/accuracy"), std::vector<int64_t>({3}));
  EXPECT_EQ(StepsOf(events, "_hparams_/session_end_info").size(), 1U);
  tensorboard::HParamsPluginData data;
  ASSERT_TRUE(
      data.ParseFromString(events[1].summary().value(0).metadata().plugin_data().content()));
  EXPECT_EQ(data.session_start_info().group_name(), "first");
  EXPECT_EQ(data.session_start_info().hparams().at("theta.policy").string_value(), "SCHEDULED");
}

TEST_F(ExportTest, ErrorsNameTheInvalidArgument) {
  const std::vector<std::vector<std::string>> commands = {
      {"export", "csv", "first", "--out", "/dev/null/x"},
      {"export", "tensorboard", "first", "--logdir", "/dev/null/x"},
      {"report", "first", "--out", "/dev/null/x.html"}};
  for (const auto& command : commands) {
    EXPECT_TRUE(IsOneLineError(daemon_->Anneal(command), kBadUsage, {"/dev/null/x"}))
        << command[0] << " " << command[1];
  }
  EXPECT_TRUE(IsOneLineError(
      daemon_->Anneal({"export", "json", "nobody", "--out", directory_.file("none")}), kFailed,
      {"nobody"}));
  EXPECT_TRUE(
      IsOneLineError(daemon_->Anneal({"report", "first/0", "--out", directory_.file("r.html")}),
                     kBadUsage, {"first/0", "reports take experiments"}));
}

TEST_F(ExportTest, ReportsAreSelfContained) {
  const std::string out = directory_.file("report.html");
  const Finished done = daemon_->Anneal({"report", "first", "other", "--out", out, "--title",
                                         "A <b>title</b>", "--question", "Does it bend?"});
  ASSERT_EQ(done.code, kFine) << done.errors;
  EXPECT_EQ(done.output, out + "\n");
  const std::string page = Contents(out);
  EXPECT_THAT(page, HasSubstr("<h1>A &lt;b&gt;title&lt;/b&gt;</h1>"));
  EXPECT_THAT(page, HasSubstr("Does it bend?"));
  EXPECT_THAT(page, HasSubstr("3 of 3 runs succeeded"));
  EXPECT_THAT(page, HasSubstr("theta.policy"));
  EXPECT_THAT(page, HasSubstr("paired by seed with first"));
  EXPECT_THAT(page, HasSubstr("first/1"));
  EXPECT_THAT(page, HasSubstr("--seeds 0..1"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("src=\"http")));
  size_t figures = 0;
  for (size_t at = 0; (at = page.find("<img alt=", at)) != std::string::npos; ++at) ++figures;
  EXPECT_EQ(figures, 5U);
}

TEST(FollowingExportTest, ContinuesAcrossARestartAndEndsWithTheRuns) {
  TestDaemon daemon(TestDaemon::Address::kSocket);
  daemon.Submit("long", {"--set", "epochs=400"});
  ASSERT_TRUE(daemon.WaitForEpochs("long/0", 1));
  const std::string logs = daemon.file("logs");
  const auto follower =
      daemon.StartAnneal({"export", "tensorboard", "long", "--logdir", logs, "--follow"});
  ASSERT_TRUE(follower->WaitFor([](const std::string& output, const std::string& /*errors*/) {
    return absl::StrContains(output, "1 run");
  }));
  daemon.Kill();
  EXPECT_TRUE(follower->WaitFor([](const std::string& /*output*/, const std::string& errors) {
    return absl::StrContains(errors, "reconnecting");
  }));
  daemon.Start();
  const auto ended = follower->Wait();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code, kFine) << ended->errors;
  const auto events = EventsIn(logs + "/long/0");
  std::vector<int64_t> all(400);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i) + 1;
  EXPECT_EQ(StepsOf(events, "train/loss"), all);
  EXPECT_EQ(StepsOf(events, "test/accuracy").size(), 1U);
}

TEST(FollowingExportTest, InterruptLeavesWholeFrames) {
  TestDaemon daemon;
  daemon.Submit("long", {"--set", "epochs=50000"});
  ASSERT_TRUE(daemon.WaitForEpochs("long/0", 1));
  const std::string logs = daemon.file("logs");
  const auto follower =
      daemon.StartAnneal({"export", "tensorboard", "long", "--logdir", logs, "--follow"});
  ASSERT_TRUE(follower->WaitFor([](const std::string& output, const std::string& /*errors*/) {
    return absl::StrContains(output, "1 run");
  }));
  ::kill(follower->pid(), SIGINT);
  const auto ended = follower->Wait();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->code, kDetached) << ended->errors;
  EXPECT_FALSE(StepsOf(EventsIn(logs + "/long/0"), "train/loss").empty());
}

}  // namespace
}  // namespace anneal
