// Tests which looks at test results are counted and logged.

#include "server/store/look_store.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "server/store/event_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

constexpr int64_t kHour = 3'600'000'000;

v1::Look SomeLook(v1::Look::Kind kind = v1::Look::KIND_COMPARE,
                  const std::string& metric = "test_accuracy", const std::string& user = "ada") {
  v1::Look look;
  look.set_kind(kind);
  look.set_metric(metric);
  look.set_user(user);
  return look;
}

class LookStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e"));
    Insert(SomeExperiment("other"));
  }
  absl::StatusOr<bool> TryLook(const v1::Look& look, int64_t time = kNow,
                               const std::string& id = "e") {
    bool is_new = false;
    const absl::Status status = Write([&](Transaction& transaction) -> absl::Status {
      const absl::StatusOr<bool> recorded =
          RecordLook(transaction, *ExperimentKey(transaction.db(), id), look, time);
      if (recorded.ok()) is_new = *recorded;
      return recorded.status();
    });
    if (!status.ok()) return status;
    return is_new;
  }
  bool Look(const v1::Look& look, int64_t time = kNow, const std::string& id = "e") {
    const auto is_new = TryLook(look, time, id);
    EXPECT_TRUE(is_new.ok()) << is_new.status();
    return is_new.value_or(false);
  }
  std::vector<v1::Event> Events() {
    return Read([&](Connection& db) {
      return ListEvents(db, {.experiment_key = KeyOf("e"), .after = 1, .limit = 100});
    });
  }
};

TEST_F(LookStoreTest, LookIsCountedAndLogged) {
  EXPECT_TRUE(Look(SomeLook()));
  EXPECT_EQ(Get("e").looks(), 1);
  EXPECT_EQ(Get("other").looks(), 0);
  const std::vector<v1::Event> events = Events();
  ASSERT_EQ(events.size(), 1U);
  v1::Event expected;
  expected.set_experiment("experiments/e");
  expected.set_sequence(2);
  expected.set_position(3);
  *expected.mutable_time() = ToTimestamp(kNow);
  *expected.mutable_look() = SomeLook();
  EXPECT_TRUE(Same(events[0], expected));
  const auto listed = Read([](Connection& db) { return ListExperiments(db, {.limit = 9}, false); });
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[1].experiment.looks(), 1);
}

TEST_F(LookStoreTest, EqualLooksWithinAnHourCountOnce) {
  EXPECT_TRUE(Look(SomeLook()));
  EXPECT_FALSE(Look(SomeLook(), kNow + 1));
  EXPECT_FALSE(Look(SomeLook(), kNow + kHour - 1));
  EXPECT_TRUE(Look(SomeLook(), kNow + kHour)) << "an hour after the one that was counted";
  EXPECT_FALSE(Look(SomeLook(), kNow + 2 * kHour - 1));
  EXPECT_EQ(Get("e").looks(), 2);
  EXPECT_EQ(Events().size(), 2U);
}

TEST_F(LookStoreTest, ClockThatWasSetBackHidesNoLooks) {
  EXPECT_TRUE(Look(SomeLook()));
  EXPECT_FALSE(Look(SomeLook(), kNow - 1));
  EXPECT_TRUE(Look(SomeLook(), kNow - 24 * kHour));
  EXPECT_EQ(Get("e").looks(), 2);
}

TEST_F(LookStoreTest, LooksOfOtherKindsMetricsUsersAndExperimentsAreOthers) {
  EXPECT_TRUE(Look(SomeLook()));
  EXPECT_TRUE(Look(SomeLook(v1::Look::KIND_LIST)));
  EXPECT_TRUE(Look(SomeLook(v1::Look::KIND_COMPARE, "test_loss")));
  EXPECT_TRUE(Look(SomeLook(v1::Look::KIND_COMPARE, "test_accuracy", "bob")));
  EXPECT_TRUE(Look(SomeLook(), kNow, "other"));
  EXPECT_EQ(Get("e").looks(), 4);
  EXPECT_EQ(Get("other").looks(), 1);
}

TEST_F(LookStoreTest, LookWithoutAKindIsRefused) {
  EXPECT_EQ(TryLook(SomeLook(v1::Look::KIND_UNSPECIFIED)).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get("e").looks(), 0);
}

TEST_F(LookStoreTest, LooksDoNotChangeTheEtag) {
  const std::string before = Get("e").etag();
  EXPECT_TRUE(Look(SomeLook()));
  EXPECT_EQ(Get("e").etag(), before);
}

}  // namespace
}  // namespace anneal::store
