#include "client/render/comparison.h"

#include <string>

#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

std::string Direction(const std::string& metric, bool higher_is_better) {
  v1::CompareExperimentsResponse response;
  response.set_metric(metric);
  response.set_higher_is_better(higher_is_better);
  return MetricWithDirection(response);
}

TEST(ComparisonTest, StatesTheBetterDirectionIfAny) {
  EXPECT_EQ(Direction("test_accuracy", true), "test_accuracy (higher is better)");
  EXPECT_EQ(Direction("validation_loss", false), "validation_loss (lower is better)");
  EXPECT_EQ(Direction("log_loss_area", false), "log_loss_area (lower is better)");
  EXPECT_EQ(Direction("theta_mean", false), "theta_mean");
  // A response of a newer daemon.
  EXPECT_EQ(Direction("new_metric", true), "new_metric (higher is better)");
}

}  // namespace
}  // namespace anneal::client::render
