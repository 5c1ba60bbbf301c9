#include "server/workers/courier.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::workers {
namespace {

using ::testing::ElementsAre;

v1::RunReport Numbered(int64_t number) {
  v1::RunReport report;
  report.set_run_id(number);
  return report;
}

// Records the numbers of reports. Thread-safe.
class RecordingReceiver final : public ReportReceiver {
 public:
  // `on_report` is called with each number and gives the result.
  explicit RecordingReceiver(std::function<absl::Status(int64_t)> on_report = nullptr)
      : on_report_(std::move(on_report)) {}

  absl::Status OnReport(const v1::RunReport& report) override ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      MutexLock lock(&mutex_);
      numbers_.push_back(report.run_id());
    }
    return on_report_ ? on_report_(report.run_id()) : absl::OkStatus();
  }
  void OnIdle() override {}

  std::vector<int64_t> numbers() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return numbers_;
  }

 private:
  const std::function<absl::Status(int64_t)> on_report_;
  mutable Mutex mutex_;
  std::vector<int64_t> numbers_ ABSL_GUARDED_BY(mutex_);
};

// A latch that stays open once it is opened. Thread-safe.
class Gate {
 public:
  void Open() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    open_ = true;
    changed_.SignalAll();
  }
  void Pass() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (!open_) changed_.Wait(&mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

TEST(CourierTest, DeliversAllReportsInOrderBeforeDrainReturns) {
  constexpr int64_t kReports = 1000;
  RecordingReceiver receiver;
  Courier courier(&receiver);
  std::vector<int64_t> sent;
  for (int64_t number = 0; number < kReports; ++number) {
    EXPECT_EQ(courier.Send(Numbered(number)), absl::OkStatus());
    sent.push_back(number);
  }
  EXPECT_EQ(courier.Drain(), absl::OkStatus());
  EXPECT_EQ(receiver.numbers(), sent);
}

TEST(CourierTest, DrainWithoutReportsReturnsAtOnce) {
  RecordingReceiver receiver;
  Courier courier(&receiver);
  EXPECT_EQ(courier.Drain(), absl::OkStatus());
}

TEST(CourierTest, AcceptsAReportWhileThePreviousOneIsDelivered) {
  Gate gate;
  RecordingReceiver receiver([&](int64_t /*number*/) {
    gate.Pass();
    return absl::OkStatus();
  });
  Courier courier(&receiver);
  EXPECT_EQ(courier.Send(Numbered(1)), absl::OkStatus());
  // Would block forever if it waited for the delivery of the first.
  EXPECT_EQ(courier.Send(Numbered(2)), absl::OkStatus());
  gate.Open();
  EXPECT_EQ(courier.Drain(), absl::OkStatus());
  EXPECT_THAT(receiver.numbers(), ElementsAre(1, 2));
}

TEST(CourierTest, SendBlocksWhileAReportIsQueued) {
  constexpr int64_t kReports = 2000;
  Mutex mutex;
  int64_t accepted = 0;
  int64_t most_ahead = 0;
  RecordingReceiver receiver([&](int64_t number) {
    MutexLock lock(&mutex);
    most_ahead = std::max(most_ahead, accepted - number);
    return absl::OkStatus();
  });
  Courier courier(&receiver);
  for (int64_t number = 1; number <= kReports; ++number) {
    ASSERT_EQ(courier.Send(Numbered(number)), absl::OkStatus());
    MutexLock lock(&mutex);
    accepted = number;
  }
  EXPECT_EQ(courier.Drain(), absl::OkStatus());
  MutexLock lock(&mutex);
  EXPECT_LE(most_ahead, 1) << "while a report is delivered, one more is queued at most";
}

TEST(CourierTest, AnErrorIsStickyAndEndsTheDeliveries) {
  RecordingReceiver receiver([](int64_t number) {
    return number == 2 ? absl::CancelledError("the run is CANCELLED") : absl::OkStatus();
  });
  Courier courier(&receiver);
  EXPECT_EQ(courier.Send(Numbered(1)), absl::OkStatus());
  EXPECT_EQ(courier.Send(Numbered(2)), absl::OkStatus());
  EXPECT_EQ(courier.Drain(), absl::CancelledError("the run is CANCELLED"));
  EXPECT_EQ(courier.Send(Numbered(3)), absl::CancelledError("the run is CANCELLED"));
  EXPECT_EQ(courier.Send(Numbered(4)), absl::CancelledError("the run is CANCELLED"));
  EXPECT_EQ(courier.Drain(), absl::CancelledError("the run is CANCELLED"));
  EXPECT_THAT(receiver.numbers(), ElementsAre(1, 2));
}

TEST(CourierTest, AnErrorReleasesABlockedSend) {
  Gate gate;
  RecordingReceiver receiver([&](int64_t /*number*/) {
    gate.Pass();
    return absl::UnavailableError("cannot write");
  });
  std::optional<Courier> courier(std::in_place, &receiver);
  EXPECT_EQ(courier->Send(Numbered(1)), absl::OkStatus());
  EXPECT_EQ(courier->Send(Numbered(2)), absl::OkStatus());
  std::thread opener([&] { gate.Open(); });
  EXPECT_EQ(courier->Send(Numbered(3)), absl::UnavailableError("cannot write"));
  opener.join();
  courier.reset();
  EXPECT_THAT(receiver.numbers(), ElementsAre(1));
}

}  // namespace
}  // namespace anneal::workers
