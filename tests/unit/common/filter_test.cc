#include "common/filter.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

std::string Show(const Filter& filter) {
  static constexpr const char* kSigns[] = {"=", "!=", "<", "<=", ">", ">=", ":"};
  std::vector<std::string> operands;
  for (const Filter& operand : filter.operands) operands.push_back(Show(operand));
  switch (filter.kind) {
    case Filter::Kind::kAll:
      return absl::StrCat("(", absl::StrJoin(operands, " & "), ")");
    case Filter::Kind::kAny:
      return absl::StrCat("(", absl::StrJoin(operands, " | "), ")");
    case Filter::Kind::kNot:
      return "!" + operands.at(0);
    case Filter::Kind::kComparison:
      break;
  }
  const char* mark = filter.quoted ? "'" : "";
  return absl::StrCat(filter.field, kSigns[static_cast<int>(filter.comparator)], mark, filter.value,
                      mark);
}

std::string Parsed(const std::string& text) {
  const auto filter = ParseFilter(text);
  return filter.ok() ? Show(*filter) : filter.status().ToString();
}

TEST(FilterTest, ParsesIntoTheExpectedTrees) {
  EXPECT_EQ(Parsed(""), "()");
  EXPECT_EQ(Parsed("  "), "()");
  EXPECT_EQ(Parsed("a=1"), "a=1");
  EXPECT_EQ(Parsed("a = 1 AND b != x"), "(a=1 & b!=x)");
  EXPECT_EQ(Parsed("a<1 b<=2 c>3 d>=4 e:5"), "(a<1 & b<=2 & c>3 & d>=4 & e:5)");
  EXPECT_EQ(Parsed("NOT a=1"), "!a=1");
  EXPECT_EQ(Parsed("-a=1 AND -(b=2 OR c=3)"), "(!a=1 & !(b=2 | c=3))");
  EXPECT_EQ(Parsed("NOT NOT a=1"), "!!a=1");
  EXPECT_EQ(Parsed("((a=1))"), "a=1");
}

// google.aip.dev/160: unlike in most languages.
TEST(FilterTest, OrBindsTighterThanAnd) {
  EXPECT_EQ(Parsed("a=1 AND b=2 OR c=3 AND d=4"), "(a=1 & (b=2 | c=3) & d=4)");
  EXPECT_EQ(Parsed("a=1 b=2 OR c=3"), "(a=1 & (b=2 | c=3))");
  EXPECT_EQ(Parsed("(a=1 AND b=2) OR c=3"), "((a=1 & b=2) | c=3)");
}

TEST(FilterTest, ValuesAreWordsTimesNumbersOrQuoted) {
  EXPECT_EQ(Parsed("a=-0.5"), "a=-0.5");
  EXPECT_EQ(Parsed("a<1e-3"), "a<1e-3");
  EXPECT_EQ(Parsed("a=pi/4"), "a=pi/4");
  EXPECT_EQ(Parsed("a>2026-11-23T10:00:00Z AND b=1"), "(a>2026-11-23T10:00:00Z & b=1)");
  EXPECT_EQ(Parsed(R"(a="x y" b='it is "so"')"), R"((a='x y' & b='it is "so"'))");
  EXPECT_EQ(Parsed(R"(a="say \"hi\" \\")"), R"(a='say "hi" \')");
  EXPECT_EQ(Parsed("a=lr-*"), "a=lr-*");
  EXPECT_EQ(Parsed("labels.paper.fig-1:*"), "labels.paper.fig-1:*");
  EXPECT_EQ(Parsed("network.layers.0.conv.filters=16"), "network.layers.0.conv.filters=16");
  EXPECT_EQ(Parsed("note=caf\xc3\xa9"), "note=caf\xc3\xa9");
  EXPECT_EQ(Parsed("a=\"AND\" AND b=1"), "(a='AND' & b=1)");
}

struct Bad {
  std::string text;
  std::string at;  // the position in the message
};

class BadFilterTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadFilterTest, IsRejectedWithPositionAndField) {
  const auto filter = ParseFilter(GetParam().text);
  ASSERT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument) << GetParam().text;
  EXPECT_EQ(ViolationsOf(filter.status()).count("filter"), 1U);
  EXPECT_TRUE(Mentions(filter.status().message(), {GetParam().at})) << filter.status();
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadFilterTest,
    ::testing::Values(Bad{"a", "character 2"}, Bad{"a=", "character 3"}, Bad{"=1", "character 1"},
                      Bad{"a=1 AND", "character 8"}, Bad{"a=1 OR OR b=2", "character 8"},
                      Bad{"(a=1", "character 5"}, Bad{"a=1)", "character 4"},
                      Bad{"a=\"x", "character 3"}, Bad{"a==1", "character 3"},
                      Bad{"AND a=1", "character 1"}, Bad{"NOT", "character 4"},
                      Bad{"a=$5", "character 3"}, Bad{"\"a\"=1", "character 1"},
                      Bad{"a=1;DROP TABLE runs", "character 4"},
                      Bad{std::string(kMaxFilterBytes + 1, 'a'), "2049"},
                      Bad{std::string(100, '(') + "a=1" + std::string(100, ')'), "levels"},
                      Bad{std::string(100, '-') + "a=1", "levels"}));

TEST(FilterTest, TooManyComparisonsAreRefused) {
  std::string text = "a=0";
  for (int i = 1; i < kMaxFilterComparisons; ++i) absl::StrAppend(&text, " AND a=", i);
  EXPECT_TRUE(ParseFilter(text).ok());
  EXPECT_TRUE(Mentions(ParseFilter(text + " AND a=99").status().message(), {"32 comparisons"}));
}

TEST(OrderTest, FieldsWithTheirDirections) {
  const auto order = ParseOrder(" priority desc ,id,  create_time asc");
  ASSERT_TRUE(order.ok()) << order.status();
  ASSERT_EQ(order->size(), 3U);
  EXPECT_EQ((*order)[0].field, "priority");
  EXPECT_TRUE((*order)[0].descending);
  EXPECT_EQ((*order)[1].field, "id");
  EXPECT_FALSE((*order)[1].descending);
  EXPECT_EQ((*order)[2].field, "create_time");
  EXPECT_FALSE((*order)[2].descending);
  EXPECT_TRUE(ParseOrder("  ")->empty());
}

TEST(OrderTest, MalformedOrdersAreRejected) {
  for (const char* text : {"a,,b", "a down", "a desc desc", ",", "a,b,c,d,e"}) {
    const auto order = ParseOrder(text);
    ASSERT_EQ(order.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ViolationsOf(order.status()).count("order_by"), 1U) << text;
  }
}

}  // namespace
}  // namespace anneal
