// Tests anneal explain, which needs no daemon.

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Finished Explain(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {std::string(ANNEAL), "explain"});
  // No server listens on port 1.
  return RunProcess(arguments, {.environment = {{"ANNEAL_SERVER", "127.0.0.1:1"}}});
}

TEST(ExplainTest, ListsAllFieldsWithTheirDefaults) {
  const Finished all = Explain({});
  EXPECT_EQ(all.code, kFine) << all.errors;
  EXPECT_THAT(all.output, AllOf(StartsWith("FIELD"), HasSubstr("optimizer.beta2"),
                                HasSubstr("0.999"), HasSubstr("network.layers.N.conv.kernel")));
  EXPECT_GT(Lines(all.output).size(), 50U);
}

TEST(ExplainTest, ExplainsOneFieldAndTheFieldsOfAMessage) {
  const Finished one = Explain({"theta.end"});
  EXPECT_EQ(one.code, kFine) << one.errors;
  EXPECT_THAT(one.output,
              AllOf(StartsWith("theta.end\n"), HasSubstr("0 <= value <= pi/4"),
                    HasSubstr("when theta.policy is SCHEDULED"), HasSubstr("--set theta.end=")));
  const Finished message = Explain({"theta"});
  EXPECT_EQ(message.code, kFine) << message.errors;
  EXPECT_THAT(message.output, AllOf(HasSubstr("theta.hold"), HasSubstr("theta.plateau.notch"),
                                    Not(HasSubstr("optimizer."))));
}

TEST(ExplainTest, AnUnknownFieldIsAUsageErrorWithTheNearOnes) {
  const Finished unknown = Explain({"theta.ende"});
  EXPECT_EQ(unknown.code, kBadUsage);
  EXPECT_EQ(unknown.output, "");
  EXPECT_EQ(Lines(unknown.errors).size(), 1U);
  EXPECT_THAT(unknown.errors,
              StartsWith("anneal: theta.ende is an unknown field; did you mean theta.end"));
}

TEST(ExplainTest, PrintsRecordsForPrograms) {
  const auto records =
      ParseJsonList<google::protobuf::Struct>(Explain({"optimizer.kind", "-o", "json"}).output);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].fields().at("field").string_value(), "optimizer.kind");
  EXPECT_EQ(records[0].fields().at("choices").list_value().values_size(), 3);
  const Csv csv = ParseCsv(Explain({"theta", "--output", "csv"}).output);
  EXPECT_EQ(csv.Cell(0, "field"), "theta.policy");
  EXPECT_EQ(csv.Cell(0, "default"), "FIXED");
  EXPECT_EQ(Explain({"regularizer", "-q"}).output, "regularizer.l1\nregularizer.l2\n");
}

}  // namespace
}  // namespace anneal
