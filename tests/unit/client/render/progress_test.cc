#include "client/render/progress.h"

#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/render/table.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

RunProgress RunningAt(int epoch) {
  RunProgress run{.name = "first/0", .epochs_total = 4, .state = v1::RUN_STATE_RUNNING};
  run.last.set_epoch(epoch);
  run.last.set_elapsed_seconds(10 * epoch);
  run.last.set_train_loss(0.25);
  run.last.set_validation_loss(0.5);
  run.last.set_validation_accuracy(0.9876);
  run.last.set_samples_per_second(1234);
  run.last.mutable_theta()->set_mean(0.7854);
  return run;
}

Progress Only(const RunProgress& run) { return {.runs = {run}, .queue = {}}; }

v1::Event EpochEvent(const RunProgress& run) {
  v1::Event event;
  event.set_experiment("experiments/first");
  event.set_sequence(7);
  event.set_run("experiments/first/runs/0");
  *event.mutable_epoch() = run.last;
  return event;
}

v1::Event StateEvent(v1::RunState to) {
  v1::Event event;
  event.set_experiment("experiments/first");
  event.set_sequence(8);
  event.set_run("experiments/first/runs/0");
  event.mutable_state_change()->set_from(v1::RUN_STATE_RUNNING);
  event.mutable_state_change()->set_to(to);
  return event;
}

// Writes progress to a file that is not a terminal.
class ProgressTest : public ::testing::Test {
 protected:
  ProgressTest() : file_(std::tmpfile()) {}
  ~ProgressTest() override { std::fclose(file_); }

  std::string Written() {
    std::fflush(file_);
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
      text += static_cast<char>(c);
    }
    return text;
  }

  std::FILE* const file_;
};

TEST_F(ProgressTest, PrintsOneLinePerEpochWithoutATerminal) {
  ::setenv("TERM", "xterm", 1);
  const auto progress = MakeProgressView(ProgressKind::kAuto, file_);
  std::string expected;
  for (int epoch = 1; epoch <= 3; ++epoch) {
    const RunProgress run = RunningAt(epoch);
    progress->OnEvent(EpochEvent(run), &run, Only(run));
    expected += ProgressLine(run) + "\n";
  }
  progress->End();
  EXPECT_EQ(Written(), expected);
  EXPECT_THAT(expected, Not(HasSubstr("\x1b")));
}

TEST_F(ProgressTest, PrintsOneLinePerStateChangeWithTheFailureReason) {
  const auto progress = MakeProgressView(ProgressKind::kAuto, file_);
  RunProgress run = RunningAt(2);
  progress->OnEvent(StateEvent(v1::RUN_STATE_RUNNING), &run, Only(run));
  run.state = v1::RUN_STATE_FAILED;
  run.failure.set_message("diverged in epoch 3");
  progress->OnEvent(StateEvent(v1::RUN_STATE_FAILED), &run, Only(run));
  EXPECT_EQ(Written(), "first/0 RUNNING\nfirst/0 FAILED: diverged in epoch 3\n");
}

TEST_F(ProgressTest, LinesArePrintedAtOnce) {
  const auto progress = MakeProgressView(ProgressKind::kAuto, file_);
  const RunProgress run = RunningAt(1);
  progress->OnEvent(EpochEvent(run), &run, Only(run));
  // Reads the file without the stream's buffer, like the reader of a pipe.
  char first = 0;
  EXPECT_EQ(::pread(::fileno(file_), &first, 1, 0), 1);
  EXPECT_EQ(first, 'f');
}

TEST_F(ProgressTest, PrintsEventsAsJsonLines) {
  const auto progress = MakeProgressView(ProgressKind::kJson, file_);
  const RunProgress run = RunningAt(1);
  const std::vector<v1::Event> events = {EpochEvent(run), StateEvent(v1::RUN_STATE_SUCCEEDED)};
  for (const v1::Event& event : events) progress->OnEvent(event, &run, Only(run));
  progress->End();
  const std::string text = Written();
  size_t begin = 0;
  for (const v1::Event& event : events) {
    const size_t end = text.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    v1::Event read;
    ASSERT_TRUE(
        google::protobuf::util::JsonStringToMessage(text.substr(begin, end - begin), &read).ok());
    EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(read, event));
    begin = end + 1;
  }
  EXPECT_EQ(begin, text.size());
  EXPECT_THAT(text, HasSubstr("\"validation_accuracy\""));
}

TEST_F(ProgressTest, QuietPrintsNothing) {
  const auto progress = MakeProgressView(ProgressKind::kQuiet, file_);
  const RunProgress run = RunningAt(1);
  ::testing::internal::CaptureStderr();
  progress->OnEvent(EpochEvent(run), &run, Only(run));
  progress->Note("connection lost");
  progress->End();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(Written(), "");
}

TEST_F(ProgressTest, NotesGoToStderr) {
  for (const ProgressKind kind : {ProgressKind::kAuto, ProgressKind::kJson}) {
    const auto progress = MakeProgressView(kind, file_);
    ::testing::internal::CaptureStderr();
    progress->Note("connection lost");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "connection lost\n");
  }
  EXPECT_EQ(Written(), "");
}

TEST(ProgressLineTest, ShowsMetricsThetaSpeedAndEta) {
  const std::string line = ProgressLine(RunningAt(1));
  EXPECT_THAT(line, AllOf(StartsWith("first/0 "), HasSubstr("1/4"), HasSubstr("loss 0.2500"),
                          HasSubstr("val 0.5000"), HasSubstr("98.76%"), HasSubstr("θ 0.7854"),
                          HasSubstr("1234 img/s"), HasSubstr("eta 30s")));
  EXPECT_THAT(line, Not(HasSubstr("\n")));
}

TEST(ProgressLineTest, ShowsTheStateInsteadOfTheEtaUnlessRunning) {
  RunProgress run = RunningAt(4);
  run.state = v1::RUN_STATE_SUCCEEDED;
  EXPECT_THAT(ProgressLine(run), AllOf(HasSubstr("SUCCEEDED"), Not(HasSubstr("eta"))));
  run.state = v1::RUN_STATE_FAILED;
  run.failure.set_message("diverged");
  EXPECT_THAT(ProgressLine(run), StartsWith("first/0      FAILED: diverged; epoch"));
}

TEST(ProgressLineTest, HasNoMetricsBeforeTheFirstEpoch) {
  const RunProgress run{.name = "first/0", .epochs_total = 10};
  EXPECT_THAT(ProgressLine(run), AllOf(HasSubstr("0/10"), HasSubstr("PENDING"),
                                       Not(HasSubstr("loss")), Not(HasSubstr("nan"))));
}

}  // namespace
}  // namespace anneal::client::render
