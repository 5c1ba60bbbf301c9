// Tests that epochs and thetas round-trip bit-identical, and that NaN is rejected.

#include "server/store/epoch_store.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class EpochStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 0);
  }

  absl::Status TryInsert(const v1::EpochReport& report) {
    return Write([&](Transaction& transaction) { return InsertEpoch(transaction, run_, report); });
  }
  std::vector<v1::Epoch> List(int32_t after, int limit) {
    return Read([&](Connection& db) { return ListEpochs(db, run_, after, limit); });
  }
  std::vector<v1::ThetaVector> Thetas(const ThetaQuery& query) {
    return Read([&](Connection& db) { return ListThetas(db, run_, query); });
  }
  static std::vector<std::pair<int, int>> Places(const std::vector<v1::ThetaVector>& thetas) {
    std::vector<std::pair<int, int>> places;
    for (const v1::ThetaVector& theta : thetas) places.emplace_back(theta.epoch(), theta.layer());
    return places;
  }
  // Returns the number of rows, which must be 0 after a refusal.
  int64_t Rows() {
    return QueryInt(
        "SELECT (SELECT count(*) FROM epochs) + (SELECT count(*) FROM layer_epochs)"
        " + (SELECT count(*) FROM thetas)");
  }

  int64_t run_ = 0;
};

TEST_F(EpochStoreTest, EveryFieldRoundTripsExactly) {
  for (int epoch = 1; epoch <= 10; ++epoch) {
    ASSERT_TRUE(TryInsert(SomeReport(epoch)).ok()) << epoch;
  }
  Reopen();
  const std::vector<v1::Epoch> epochs = List(0, 100);
  ASSERT_EQ(epochs.size(), 10U);
  for (int epoch = 1; epoch <= 10; ++epoch) {
    const v1::EpochReport expected = SomeReport(epoch);
    // Bytes, not values: a comparison would not tell 0.0 from -0.0.
    EXPECT_EQ(epochs[static_cast<size_t>(epoch) - 1].SerializeAsString(),
              expected.epoch().SerializeAsString())
        << epoch;
    EXPECT_TRUE(
        Same(Read([&](Connection& db) { return GetEpoch(db, run_, epoch); }), expected.epoch()));
  }
}

TEST_F(EpochStoreTest, UnrequestedDiagnosticsStayUnset) {
  v1::EpochReport report = SomeReport(1);
  report.mutable_epoch()->clear_convexity_violations();
  report.mutable_epoch()->clear_hessian_max_eigenvalue();
  report.mutable_epoch()->clear_hessian_min_eigenvalue();
  ASSERT_TRUE(TryInsert(report).ok());
  EXPECT_TRUE(Same(List(0, 1)[0], report.epoch()));

  v1::EpochReport zero = SomeReport(2);
  zero.mutable_epoch()->set_convexity_violations(0);
  ASSERT_TRUE(TryInsert(zero).ok());
  EXPECT_TRUE(Same(List(1, 1)[0], zero.epoch())) << "0 is not unset";
}

TEST_F(EpochStoreTest, EpochIsRecordedOnce) {
  ASSERT_TRUE(TryInsert(SomeReport(1)).ok());
  v1::EpochReport other = SomeReport(1);
  other.mutable_epoch()->set_train_loss(99);
  EXPECT_EQ(TryInsert(other).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(Same(List(0, 10)[0], SomeReport(1).epoch()));
  EXPECT_EQ(QueryInt("SELECT count(*) FROM thetas"), 2);
}

TEST_F(EpochStoreTest, EpochsAreListedInOrderAfterAnyOfThem) {
  for (const int epoch : {3, 1, 11, 2}) ASSERT_TRUE(TryInsert(SomeReport(epoch)).ok());
  const auto numbers = [this](int32_t after, int limit) {
    std::vector<int32_t> result;
    for (const v1::Epoch& epoch : List(after, limit)) {
      result.push_back(epoch.epoch());
      EXPECT_EQ(epoch.layers_size(), 3) << "a page holds the layers of its epochs";
    }
    return result;
  };
  EXPECT_THAT(numbers(0, 10), ElementsAre(1, 2, 3, 11));
  EXPECT_THAT(numbers(1, 2), ElementsAre(2, 3));
  EXPECT_THAT(numbers(11, 2), IsEmpty());
  EXPECT_THAT(Read([&](Connection& db) { return ListEpochs(db, RunKeyOf("e", 1), 0, 10); }),
              IsEmpty())
      << "another run's";
}

TEST_F(EpochStoreTest, UnknownEpochIsNotFound) {
  ASSERT_TRUE(TryInsert(SomeReport(2)).ok());
  for (const int32_t epoch : {0, 1, 3}) {
    EXPECT_EQ(TryRead([&](Connection& db) { return GetEpoch(db, run_, epoch).status(); }).code(),
              absl::StatusCode::kNotFound);
  }
}

TEST_F(EpochStoreTest, EpochOfAnUnknownRunIsRejected) {
  EXPECT_EQ(Write([](Transaction& transaction) {
              return InsertEpoch(transaction, 999, SomeReport(1));
            }).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Rows(), 0);
}

// SQLite would store NaN as NULL, a missing value.
TEST_F(EpochStoreTest, NonFiniteMetricsAreRejected) {
  using google::protobuf::FieldDescriptor;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  int tried = 0;
  for (int i = 0; i < v1::Epoch::descriptor()->field_count(); ++i) {
    const FieldDescriptor* field = v1::Epoch::descriptor()->field(i);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE || field->has_presence()) continue;
    v1::EpochReport report = SomeReport(1);
    report.epoch().GetReflection()->SetDouble(report.mutable_epoch(), field, nan);
    EXPECT_EQ(Record(run_, report).code(), absl::StatusCode::kFailedPrecondition) << field->name();
    ++tried;
  }
  EXPECT_GE(tried, 20);
  v1::EpochReport theta = SomeReport(1);
  theta.mutable_epoch()->mutable_theta()->set_q25(nan);
  EXPECT_FALSE(Record(run_, theta).ok());
  v1::EpochReport layer = SomeReport(1);
  layer.mutable_epoch()->mutable_layers(1)->set_gradient_norm(nan);
  EXPECT_FALSE(Record(run_, layer).ok());
  EXPECT_EQ(Rows(), 0);
  EXPECT_EQ(Get("e").last_sequence(), 1);
  EXPECT_EQ(GetRunOf("e", 0).epochs_done(), 0);
}

// An unset field means that the diagnostic was not requested; NaN must not become unset.
TEST_F(EpochStoreTest, NonFiniteDiagnosticsAreRejected) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  v1::EpochReport hessian = SomeReport(1);
  hessian.mutable_epoch()->set_hessian_max_eigenvalue(nan);
  EXPECT_FALSE(Record(run_, hessian).ok());
  v1::EpochReport gap = SomeReport(2);
  gap.mutable_epoch()->mutable_layers(0)->set_linear_gap(nan);
  EXPECT_FALSE(Record(run_, gap).ok());
}

TEST_F(EpochStoreTest, ThetasRoundTripExactlyWithTheirShapes) {
  v1::EpochReport report = SomeReport(1);
  report.clear_thetas();
  *report.add_thetas() = SomeTheta(1, -1, {1});
  *report.add_thetas() = SomeTheta(1, 0, {16, 5, 7});
  v1::ThetaVector* awkward = report.add_thetas();
  awkward->set_epoch(1);
  awkward->set_layer(63);
  awkward->add_shape(6);
  for (const float value :
       {-0.0F, std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max(), 0.1F,
        std::nextafter(0.78539816F, 1.0F), std::numeric_limits<float>::min()}) {
    awkward->add_values(value);
  }
  ASSERT_TRUE(TryInsert(report).ok());
  Reopen();
  const auto thetas = Thetas({.limit = 10, .max_values = 1 << 20});
  ASSERT_EQ(thetas.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(thetas[static_cast<size_t>(i)].SerializeAsString(),
              report.thetas(i).SerializeAsString());
  }
}

TEST_F(EpochStoreTest, ThetasAreChosenByEpochAndLayerAndPaged) {
  for (int epoch = 1; epoch <= 3; ++epoch) ASSERT_TRUE(TryInsert(SomeReport(epoch)).ok());
  constexpr int64_t kMany = 1 << 20;
  EXPECT_THAT(Places(Thetas({.limit = 100, .max_values = kMany})),
              ElementsAre(Pair(1, 0), Pair(1, 1), Pair(2, 0), Pair(2, 1), Pair(3, 0), Pair(3, 1)));
  EXPECT_THAT(Places(Thetas({.epoch = 2, .limit = 100, .max_values = kMany})),
              ElementsAre(Pair(2, 0), Pair(2, 1)));
  EXPECT_THAT(Places(Thetas({.layer = 1, .limit = 100, .max_values = kMany})),
              ElementsAre(Pair(1, 1), Pair(2, 1), Pair(3, 1)));
  EXPECT_THAT(Places(Thetas({.epoch = 3, .layer = 0, .limit = 100, .max_values = kMany})),
              ElementsAre(Pair(3, 0)));
  EXPECT_THAT(Places(Thetas({.epoch = 9, .limit = 100, .max_values = kMany})), IsEmpty());
  EXPECT_THAT(Places(Thetas({.after_epoch = 1, .after_layer = 0, .limit = 2, .max_values = kMany})),
              ElementsAre(Pair(1, 1), Pair(2, 0)));
  EXPECT_THAT(
      Places(Thetas(
          {.layer = 1, .after_epoch = 1, .after_layer = 1, .limit = 5, .max_values = kMany})),
      ElementsAre(Pair(2, 1), Pair(3, 1)));
  // Layer 0 has 24 values, layer 1 has 5.
  EXPECT_THAT(Places(Thetas({.limit = 100, .max_values = 1})), ElementsAre(Pair(1, 0)));
  EXPECT_THAT(Places(Thetas({.limit = 100, .max_values = 24})), ElementsAre(Pair(1, 0)));
  EXPECT_THAT(Places(Thetas({.limit = 100, .max_values = 25})),
              ElementsAre(Pair(1, 0), Pair(1, 1)));
}

}  // namespace
}  // namespace anneal::store
