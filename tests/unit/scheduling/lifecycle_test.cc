#include "server/scheduling/lifecycle.h"

#include <map>
#include <string>
#include <utility>

#include "common/run_state.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::scheduling {
namespace {

using ::testing::HasSubstr;

constexpr v1::RunState kPending = v1::RUN_STATE_PENDING;
constexpr v1::RunState kRunning = v1::RUN_STATE_RUNNING;
constexpr v1::RunState kSuspended = v1::RUN_STATE_SUSPENDED;
constexpr v1::RunState kSucceeded = v1::RUN_STATE_SUCCEEDED;
constexpr v1::RunState kFailed = v1::RUN_STATE_FAILED;
constexpr v1::RunState kCancelled = v1::RUN_STATE_CANCELLED;

constexpr v1::RunState kStates[] = {kPending,   kRunning, kSuspended,
                                    kSucceeded, kFailed,  kCancelled};
constexpr Command kCommands[] = {Command::kCancel, Command::kPause, Command::kResume,
                                 Command::kRetry};

constexpr const char* kStays = "stays";
constexpr const char* kRefused = "refused";

// The next state, kStays or kRefused.
std::string Outcome(Command command, v1::RunState state,
                    v1::FailureReason failure = v1::FAILURE_REASON_UNSPECIFIED) {
  const auto next = NextState(command, state, failure);
  if (!next.ok()) return kRefused;
  return next->has_value() ? v1::RunState_Name(**next) : kStays;
}

TEST(LifecycleTest, EveryCommandInEveryState) {
  const std::string pending = v1::RunState_Name(kPending);
  const std::string suspended = v1::RunState_Name(kSuspended);
  const std::string cancelled = v1::RunState_Name(kCancelled);
  const std::map<std::pair<Command, v1::RunState>, std::string> expected = {
      {{Command::kCancel, kPending}, cancelled},   {{Command::kCancel, kRunning}, cancelled},
      {{Command::kCancel, kSuspended}, cancelled}, {{Command::kCancel, kSucceeded}, kStays},
      {{Command::kCancel, kFailed}, kStays},       {{Command::kCancel, kCancelled}, kStays},
      {{Command::kPause, kPending}, suspended},    {{Command::kPause, kRunning}, suspended},
      {{Command::kPause, kSuspended}, kStays},     {{Command::kPause, kSucceeded}, kRefused},
      {{Command::kPause, kFailed}, kRefused},      {{Command::kPause, kCancelled}, kRefused},
      {{Command::kResume, kPending}, kStays},      {{Command::kResume, kRunning}, kStays},
      {{Command::kResume, kSuspended}, pending},   {{Command::kResume, kSucceeded}, kRefused},
      {{Command::kResume, kFailed}, kRefused},     {{Command::kResume, kCancelled}, kRefused},
      {{Command::kRetry, kPending}, kStays},       {{Command::kRetry, kRunning}, kStays},
      {{Command::kRetry, kSuspended}, kRefused},   {{Command::kRetry, kSucceeded}, kRefused},
      {{Command::kRetry, kFailed}, pending},       {{Command::kRetry, kCancelled}, pending}};
  for (const Command command : kCommands) {
    for (const v1::RunState state : kStates) {
      EXPECT_EQ(Outcome(command, state), expected.at({command, state}))
          << static_cast<int>(command) << " in " << v1::RunState_Name(state);
    }
  }
}

TEST(LifecycleTest, OnlyARunThatDivergedIsNotRetried) {
  for (int reason = v1::FailureReason_MIN; reason <= v1::FailureReason_MAX; ++reason) {
    if (!v1::FailureReason_IsValid(reason)) continue;
    const auto failure = static_cast<v1::FailureReason>(reason);
    EXPECT_EQ(Outcome(Command::kRetry, kFailed, failure),
              failure == v1::FAILURE_REASON_DIVERGED ? kRefused : v1::RunState_Name(kPending));
  }
  const auto diverged = NextState(Command::kRetry, kFailed, v1::FAILURE_REASON_DIVERGED);
  EXPECT_EQ(ReasonOf(diverged.status()), v1::ERROR_REASON_RUN_DIVERGED);
  EXPECT_THAT(std::string(diverged.status().message()), HasSubstr("optimizer.learning_rate"));
}

// The transitions of common/run_state.h: the store refuses others.
TEST(LifecycleTest, EveryNextStateIsATransitionOfTheStore) {
  for (const Command command : kCommands) {
    for (const v1::RunState state : kStates) {
      const auto next = NextState(command, state, v1::FAILURE_REASON_UNSPECIFIED);
      if (!next.ok() || !next->has_value()) continue;
      if (IsFinal(state)) {
        EXPECT_EQ(command, Command::kRetry) << "only a retry revives a run";
        EXPECT_EQ(**next, kPending);
      }
      EXPECT_EQ(CheckTransition(state, **next), absl::OkStatus());
    }
  }
}

TEST(LifecycleTest, ARefusalNamesTheStateAndTheCommandThatApplies) {
  const std::map<std::pair<Command, v1::RunState>, std::string> remedies = {
      {{Command::kResume, kFailed}, "retry"},
      {{Command::kResume, kSucceeded}, "extend"},
      {{Command::kRetry, kSucceeded}, "extend"},
      {{Command::kRetry, kSuspended}, "resume"}};
  for (const auto& [asked, remedy] : remedies) {
    const absl::Status status =
        NextState(asked.first, asked.second, v1::FAILURE_REASON_UNSPECIFIED).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_RUN_STATE);
    EXPECT_THAT(std::string(status.message()), HasSubstr(remedy));
  }
  EXPECT_THAT(std::string(NextState(Command::kPause, kSucceeded, v1::FAILURE_REASON_UNSPECIFIED)
                              .status()
                              .message()),
              HasSubstr("SUCCEEDED"));
}

}  // namespace
}  // namespace anneal::scheduling
