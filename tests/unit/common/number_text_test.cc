#include "common/number_text.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal {
namespace {

TEST(NumberTextTest, UsesTheShortestExactForm) {
  EXPECT_EQ(NumberText(0.1), "0.1");
  EXPECT_EQ(NumberText(0.1F), "0.1");
  EXPECT_EQ(NumberText(1.0), "1");
  EXPECT_EQ(NumberText(std::atan(1.0)), "0.7853981633974483");
}

RC_GTEST_PROP(NumberTextTest, DoublesRoundTripExactly, (uint64_t bits)) {
  const auto value = std::bit_cast<double>(bits);
  RC_PRE(!std::isnan(value));
  double read = 0;
  RC_ASSERT(absl::SimpleAtod(NumberText(value), &read));
  RC_ASSERT(std::bit_cast<uint64_t>(read) == bits);
}

RC_GTEST_PROP(NumberTextTest, FloatsRoundTripExactly, (uint32_t bits)) {
  const auto value = std::bit_cast<float>(bits);
  RC_PRE(!std::isnan(value));
  float read = 0;
  RC_ASSERT(absl::SimpleAtof(NumberText(value), &read));
  RC_ASSERT(std::bit_cast<uint32_t>(read) == bits);
}

TEST(NumberTextTest, KeepsSignsAndInfinities) {
  EXPECT_EQ(NumberText(-0.0), "-0");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(NumberText(-std::numeric_limits<float>::infinity()), "-inf");
  EXPECT_EQ(NumberText(std::nan("")), "nan");
}

TEST(NumberTextTest, LongestNumbersFit) {
  EXPECT_EQ(NumberText(std::numeric_limits<double>::lowest()), "-1.7976931348623157e+308");
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::denorm_min()), "-5e-324");
}

}  // namespace
}  // namespace anneal
