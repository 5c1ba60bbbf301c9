#include "server/telemetry/log.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace anneal::telemetry {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class LogTest : public ::testing::Test {
 protected:
  ~LogTest() override { spdlog::set_default_logger(before_); }

  // Returns what one message writes to stderr.
  static std::string Logged(LogFormat format, const std::string& message) {
    ConfigureLog("info", format);
    ::testing::internal::CaptureStderr();
    spdlog::info(message);
    spdlog::default_logger()->flush();
    return ::testing::internal::GetCapturedStderr();
  }

 private:
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(LogTest, ALineHasTimeLevelMessageAndFields) {
  const LogField run("run", "first/0");
  EXPECT_THAT(Logged(LogFormat::kText, "started"), EndsWith(" info started run=first/0\n"));
  const auto object = nlohmann::json::parse(Logged(LogFormat::kJson, "started"));
  EXPECT_EQ(object["level"], "info");
  EXPECT_EQ(object["message"], "started");
  EXPECT_EQ(object["run"], "first/0");
  EXPECT_TRUE(object.contains("time"));
}

TEST_F(LogTest, FieldsEndWithTheirScope) {
  { const LogField run("run", "first/0"); }
  EXPECT_THAT(Logged(LogFormat::kText, "idle"), Not(HasSubstr("run=")));
}

TEST_F(LogTest, BracesAndPercentSignsAreText) {
  EXPECT_THAT(Logged(LogFormat::kText, "{} {0:>99} %s%n"), EndsWith(" {} {0:>99} %s%n\n"));
}

TEST_F(LogTest, ValuesCannotForgeALine) {
  const std::string text = "a\nb\x1b[31m\x7f\xff";
  const LogField user("user", text);
  EXPECT_THAT(Logged(LogFormat::kText, text),
              EndsWith(" a\\nb\\x1b[31m\\x7f\\xff user=a\\nb\\x1b[31m\\x7f\\xff\n"));
  const std::string line = Logged(LogFormat::kJson, text);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_TRUE(nlohmann::json::accept(line));
}

TEST_F(LogTest, LowerLevelsAreDiscarded) {
  ConfigureLog("error", LogFormat::kText);
  ::testing::internal::CaptureStderr();
  spdlog::warn("quiet");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace anneal::telemetry
