#include "server/training/model/theta_summary.h"

#include <vector>

#include "gtest/gtest.h"

namespace anneal::training::model {
namespace {

using Thetas = google::protobuf::RepeatedPtrField<v1::ThetaVector>;

void Add(const std::vector<float>& values, Thetas* thetas) {
  v1::ThetaVector* vector = thetas->Add();
  vector->add_shape(static_cast<int32_t>(values.size()));
  vector->mutable_values()->Add(values.begin(), values.end());
}

TEST(ThetaSummaryTest, OfOneThetaIsThatTheta) {
  Thetas thetas;
  Add({0.25f}, &thetas);
  const v1::ThetaSummary summary = SummarizeThetas(thetas);
  EXPECT_EQ(summary.count(), 1);
  for (const double value : {summary.min(), summary.q05(), summary.q25(), summary.median(),
                             summary.q75(), summary.q95(), summary.max(), summary.mean()}) {
    EXPECT_EQ(value, 0.25);
  }
}

TEST(ThetaSummaryTest, CombinesTheThetasOfAllLayers) {
  Thetas thetas;
  Add({0.75f, 0.125f}, &thetas);
  Add({0.5f}, &thetas);
  Add({0.25f, 0.375f}, &thetas);
  const v1::ThetaSummary summary = SummarizeThetas(thetas);
  EXPECT_EQ(summary.count(), 5);
  EXPECT_EQ(summary.min(), 0.125);
  EXPECT_EQ(summary.q25(), 0.25);
  EXPECT_EQ(summary.median(), 0.375);
  EXPECT_EQ(summary.q75(), 0.5);
  EXPECT_EQ(summary.max(), 0.75);
  EXPECT_NEAR(summary.mean(), 2.0 / 5, 1e-15);
}

TEST(ThetaSummaryTest, InterpolatesQuantilesLinearly) {
  Thetas thetas;
  Add({0.75f, 0.25f}, &thetas);
  const v1::ThetaSummary summary = SummarizeThetas(thetas);
  EXPECT_NEAR(summary.q05(), 0.275, 1e-12);
  EXPECT_NEAR(summary.q25(), 0.375, 1e-12);
  EXPECT_NEAR(summary.median(), 0.5, 1e-12);
  EXPECT_NEAR(summary.q75(), 0.625, 1e-12);
  EXPECT_NEAR(summary.q95(), 0.725, 1e-12);
}

TEST(ThetaSummaryTest, DoesNotModifyItsInput) {
  Thetas thetas;
  Add({0.5f, 0.25f}, &thetas);
  SummarizeThetas(thetas);
  EXPECT_EQ(thetas[0].values(0), 0.5f);
  EXPECT_EQ(thetas[0].values(1), 0.25f);
}

}  // namespace
}  // namespace anneal::training::model
