// These helpers create configs, plans and files for the training tests.

#ifndef ANNEAL_TESTS_UNIT_TRAINING_TRAINING_TEST_UTIL_H_
#define ANNEAL_TESTS_UNIT_TRAINING_TRAINING_TEST_UTIL_H_

#include <zlib.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/status/status.h"
#include "anneal/v1/config.pb.h"
#include "common/config/validation.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal::training {

inline constexpr double kQuarterPi = 0.78539816339744830962;

// Returns the resolved config of a text proto, which must be valid.
inline v1::TrainingConfig Complete(const std::string& text) {
  v1::TrainingConfig config = config::ResolveConfig(FromText<v1::TrainingConfig>(text));
  EXPECT_EQ(config::CheckConfig(config), absl::OkStatus());
  return config;
}

// Returns the plan of a config, which must fit the data set.
inline config::RunPlan PlanOf(const v1::TrainingConfig& config, const config::DatasetShape& data) {
  const absl::StatusOr<config::RunPlan> plan = config::PlanRun(config, data);
  EXPECT_EQ(plan.status(), absl::OkStatus());
  return plan.ok() ? *plan : config::RunPlan();
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline void WriteGzip(const std::string& path, const std::string& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())),
            static_cast<int>(bytes.size()));
  ASSERT_EQ(gzclose(file), Z_OK);
}

}  // namespace anneal::training

#endif  // ANNEAL_TESTS_UNIT_TRAINING_TRAINING_TEST_UTIL_H_
