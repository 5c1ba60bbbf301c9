#include "client/render/selection.h"

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Table Runs() {
  Table table({{"name", "NAME", Table::Align::kLeft}, {"loss", "LOSS"}, {"user", "USER"}});
  table.AddRow({"a", "0.5", "ada"});
  table.AddRow({"b", "10", "bob"});
  table.AddRow({"c", "", "ada"});
  table.AddRow({"d", "9", "eve"});
  return table;
}

std::vector<size_t> Select(absl::string_view filter, absl::string_view order) {
  const auto rows = SelectRows(Runs(), filter, order);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *rows : std::vector<size_t>();
}

TEST(SelectRowsTest, WithoutFilterAndOrderRowsAreUnchanged) {
  EXPECT_THAT(Select("", ""), ElementsAre(0, 1, 2, 3));
}

TEST(SelectRowsTest, NumbersAreComparedAsNumbersAndTextAsText) {
  EXPECT_THAT(Select("loss > 0.6", ""), ElementsAre(1, 3));
  EXPECT_THAT(Select("loss >= 9 AND loss <= 10", ""), ElementsAre(1, 3));
  EXPECT_THAT(Select("loss = 10.0", ""), ElementsAre(1));
  EXPECT_THAT(Select("loss < 9", ""), ElementsAre(0));
  EXPECT_THAT(Select("user = ada", ""), ElementsAre(0, 2));
  EXPECT_THAT(Select("user != ada", ""), ElementsAre(1, 3));
  EXPECT_THAT(Select("user > bob", ""), ElementsAre(3));
}

TEST(SelectRowsTest, AbsentValuesAreNeitherEqualNorDifferent) {
  EXPECT_THAT(Select("loss = 0.5", ""), ElementsAre(0));
  EXPECT_THAT(Select("loss != 0.5", ""), ElementsAre(1, 3));
  EXPECT_THAT(Select("loss:*", ""), ElementsAre(0, 1, 3));
  EXPECT_THAT(Select("NOT loss:*", ""), ElementsAre(2));
}

TEST(SelectRowsTest, HasMatchesSubstrings) {
  EXPECT_THAT(Select("user:d", ""), ElementsAre(0, 2));
  EXPECT_THAT(Select("user:\"*\"", ""), IsEmpty());
}

TEST(SelectRowsTest, ConditionsAreJoinedAsInTheDaemonsLists) {
  EXPECT_THAT(Select("user = ada OR user = eve AND loss:*", ""), ElementsAre(0, 3))
      << "OR binds tighter";
  EXPECT_THAT(Select("NOT (user = ada OR user = eve)", ""), ElementsAre(1));
}

TEST(SelectRowsTest, SortsByOneColumnAfterTheOtherAndKeepsTheOrderOfEquals) {
  EXPECT_THAT(Select("", "loss"), ElementsAre(0, 3, 1, 2)) << "what is absent comes last";
  EXPECT_THAT(Select("", "loss desc"), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(Select("", "user, name desc"), ElementsAre(2, 0, 1, 3));
  EXPECT_THAT(Select("", "user"), ElementsAre(0, 2, 1, 3));
}

TEST(SelectRowsTest, UnknownColumnsAreNamedWithSimilarOnes) {
  const auto filter = SelectRows(Runs(), "lss > 1", "");
  EXPECT_TRUE(absl::IsInvalidArgument(filter.status()));
  EXPECT_THAT(filter.status().message(),
              AllOf(HasSubstr("--filter"), HasSubstr("\"lss\""), HasSubstr("loss")));
  const auto order = SelectRows(Runs(), "", "nme desc");
  EXPECT_THAT(order.status().message(),
              AllOf(HasSubstr("--sort"), HasSubstr("\"nme\""), HasSubstr("name")));
  EXPECT_TRUE(absl::IsInvalidArgument(SelectRows(Runs(), "loss >", "").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(SelectRows(Runs(), "", "loss down").status()));
}

TEST(WithRowsTest, KeepsTheseInThisOrder) {
  EXPECT_EQ(WithRows(Runs(), {3, 0}).ToCsv(), "name,loss,user\nd,9,eve\na,0.5,ada\n");
  EXPECT_EQ(WithRows(Runs(), {}).ToCsv(), "name,loss,user\n");
}

TEST(WithColumnsTest, TakesColumnsFromEitherTableInTheRequestedOrder) {
  Table more({{"loss", "loss"}, {"seed", "seed"}});
  for (const char* seed : {"1", "2", "3", "4"}) more.AddRow({"complete", seed});
  const auto table = WithColumns(Runs(), &more, {"seed", "loss", "name"});
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(WithRows(*table, {0, 1}).ToText(),
            "seed  LOSS  NAME\n"
            "   1   0.5  a\n"
            "   2    10  b\n");
}

TEST(WithColumnsTest, UnknownColumnsAreNamedWithAllAvailableOnes) {
  Table more(std::vector<Table::Column>{{"seed", "seed"}});
  for (int i = 0; i < 4; ++i) more.AddRow({"1"});
  const auto status = WithColumns(Runs(), &more, {"name", "sed"}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("--columns"), HasSubstr("\"sed\""), HasSubstr("seed")));
  EXPECT_FALSE(WithColumns(Runs(), nullptr, {"seed"}).ok());
}

}  // namespace
}  // namespace anneal::client::render
