#include "client/render/table.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "rapidcheck/gtest.h"

namespace anneal::client::render {
namespace {

using Align = Table::Align;

// Parses RFC 4180 with \n line ends.
std::vector<std::vector<std::string>> ReadCsv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, std::vector<std::string>(1));
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && c == '\n') {
      rows.emplace_back(1);
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();  // the empty row after the last line end
  return rows;
}

TEST(TableTest, AlignsHeadersAndCellsWithTwoSpacesBetweenColumns) {
  Table table({{"name", "NAME", Align::kLeft}, {"loss", "LOSS"}, {"note", "NOTE", Align::kLeft}});
  table.AddRow({"first/0", "1", "x"});
  table.AddRow({"a", "12.345", ""});
  EXPECT_EQ(table.ToText(),
            "NAME       LOSS  NOTE\n"
            "first/0       1  x\n"
            "a        12.345\n");
}

TEST(TableTest, AlignsByCharactersNotBytes) {
  Table table({{"a", "θ", Align::kLeft}, {"b", "MEAN ± SD"}});
  table.AddRow({"θθθ", "0.5 ± 0.1"});
  table.AddRow({"abc", "10.25 ± 0.1"});
  EXPECT_EQ(table.ToText(),
            "θ      MEAN ± SD\n"
            "θθθ    0.5 ± 0.1\n"
            "abc  10.25 ± 0.1\n");
}

TEST(TableTest, ATableWithoutRowsIsItsHeader) {
  const Table table({{"name", "NAME", Align::kLeft}, {"seed", "SEED"}});
  EXPECT_EQ(table.ToText(), "NAME  SEED\n");
  EXPECT_EQ(table.ToCsv(), "name,seed\n");
}

Table Wide() {
  Table table({{"name", "NAME", Table::Align::kLeft},
               {"note", "NOTE", Table::Align::kLeft},
               {"loss", "LOSS", Table::Align::kRight, 1},
               {"time", "TIME", Table::Align::kRight, 2}});
  table.AddRow({"first", "a note of thirty characters...", "0.25", "17s"});
  return table;
}

TEST(FittedTableTest, IsUnchangedIfItFits) {
  std::vector<std::string> left_out;
  EXPECT_EQ(Wide().ToText(49, &left_out), Wide().ToText());
  EXPECT_TRUE(left_out.empty());
}

TEST(FittedTableTest, TextIsTruncatedFirst) {
  std::vector<std::string> left_out;
  EXPECT_EQ(Wide().ToText(35, &left_out),
            "NAME   NOTE              LOSS  TIME\n"
            "first  a note of thirt…  0.25   17s\n");
  EXPECT_TRUE(left_out.empty());
}

TEST(FittedTableTest, ThenTheLeastImportantColumnsAreOmitted) {
  std::vector<std::string> left_out;
  EXPECT_EQ(Wide().ToText(29, &left_out),
            "NAME   NOTE              LOSS\n"
            "first  a note of thirt…  0.25\n");
  EXPECT_EQ(left_out, std::vector<std::string>{"time"});
  left_out.clear();
  EXPECT_EQ(Wide().ToText(1, &left_out),
            "NAME   NOTE\n"
            "first  a note of t…\n")
      << "no column without a rank goes, and names stay whole";
  EXPECT_EQ(left_out, (std::vector<std::string>{"time", "loss"}));
}

// The columns behind the name take 10 characters.
Table WithLongName() {
  Table table({{"name", "NAME", Table::Align::kLeft}, {"runs", "RUNS"}, {"loss", "LOSS"}});
  table.AddRow({"a name of twenty four...", "3", "0.25"});
  return table;
}

TEST(FittedTableTest, NamesHaveLinesOfTheirOwnWhereNoColumnMayBeOmitted) {
  std::vector<std::string> left_out;
  EXPECT_EQ(WithLongName().ToText(35, &left_out),
            "NAME\n"
            "  RUNS  LOSS\n"
            "a name of twenty four...\n"
            "     3  0.25\n");
  EXPECT_TRUE(left_out.empty());
  EXPECT_EQ(WithLongName().ToText(36, &left_out), WithLongName().ToText());
}

TEST(FittedTableTest, NamesHaveLinesOfTheirOwnRatherThanThatAnImportantColumnIsOmitted) {
  Table table({{"name", "NAME", Table::Align::kLeft},
               {"loss", "LOSS", Table::Align::kRight, 1},
               {"time", "TIME", Table::Align::kRight, 2}});
  table.AddRow({"a name of twenty four...", "0.25", "17s"});
  std::vector<std::string> left_out;
  EXPECT_EQ(table.ToText(30, &left_out),
            "NAME                      LOSS\n"
            "a name of twenty four...  0.25\n");
  EXPECT_EQ(left_out, std::vector<std::string>{"time"});
  left_out.clear();
  EXPECT_EQ(table.ToText(29, &left_out),
            "NAME\n"
            "  LOSS  TIME\n"
            "a name of twenty four...\n"
            "  0.25   17s\n");
  EXPECT_TRUE(left_out.empty());
}

RC_GTEST_PROP(FittedTableTest, LinesFitTheWidthIfPossible, ()) {
  const auto text = rc::gen::container<std::string>(rc::gen::element('a', 'b', ' '));
  Table table({{"x", "X", Table::Align::kLeft},
               {"y", "Y", Table::Align::kLeft, 1},
               {"z", "Z", Table::Align::kRight, 2}});
  const std::string name = *rc::gen::resize(10, text);
  table.AddRow({name, *text, *text});
  table.AddRow({"", *text, *text});
  const auto width = *rc::gen::inRange<size_t>(std::max<size_t>(1, name.size()), 100);
  std::vector<std::string> left_out;
  const std::string fitted = table.ToText(width, &left_out);
  for (size_t begin = 0; begin < fitted.size();) {
    const size_t end = fitted.find('\n', begin);
    RC_ASSERT(DisplayWidth(fitted.substr(begin, end - begin)) <= width);
    begin = end + 1;
  }
}

TEST(CutTest, EndsWithAnEllipsisIfTruncated) {
  EXPECT_EQ(Cut("theta", 5), "theta");
  EXPECT_EQ(Cut("theta", 4), "the…");
  EXPECT_EQ(Cut("θθθθ", 3), "θθ…");
  EXPECT_EQ(Cut("theta", 1), "…");
  EXPECT_EQ(Cut("theta", 0), "");
}

TEST(TableTest, InsertsAColumnInFrontOfAnother) {
  Table table({{"a", "A"}, {"b", "B"}});
  table.AddRow({"1", "2"});
  table.AddRow({"3", "4"});
  table.InsertColumn(0, {"first", "FIRST"}, {"x", "y"});
  table.InsertColumn(3, {"last", "LAST"}, {"v", "w"});
  EXPECT_EQ(table.ToCsv(), "first,a,b,last\nx,1,2,v\ny,3,4,w\n");
  EXPECT_TRUE(table.HasColumn("last"));
  EXPECT_FALSE(table.HasColumn("LAST"));
}

TEST(TableTest, CsvHasKeysNotHeadersAndNoPadding) {
  Table table({{"train_loss", "TRAIN LOSS"}, {"theta", "θ"}});
  table.AddRow({"1", ""});
  table.AddRow({"", "0.5"});
  EXPECT_EQ(table.ToCsv(), "train_loss,theta\n1,\n,0.5\n");
}

TEST(TableTest, CsvQuotesSpecialCharacters) {
  Table table({{"a,b", "A"}, {"c", "C"}});
  table.AddRow({"plain", "with, comma"});
  table.AddRow({"say \"hi\"", "two\nlines"});
  table.AddRow({"carriage\rreturn", "\""});
  EXPECT_EQ(table.ToCsv(),
            "\"a,b\",c\n"
            "plain,\"with, comma\"\n"
            "\"say \"\"hi\"\"\",\"two\nlines\"\n"
            "\"carriage\rreturn\",\"\"\"\"\n");
}

RC_GTEST_PROP(TableTest, CsvRoundTrips, ()) {
  const auto cell = rc::gen::container<std::string>(
      rc::gen::element('a', ',', '"', '\n', '\r', ' ', '\t', ';', '\'', '=', '\\'));
  const auto rows = *rc::gen::container<std::vector<std::vector<std::string>>>(
      rc::gen::container<std::vector<std::string>>(3, cell));
  Table table({{"x", "X"}, {"y", "Y"}, {"z", "Z"}});
  for (const auto& row : rows) table.AddRow(row);
  auto read = ReadCsv(table.ToCsv());
  RC_ASSERT(!read.empty());
  read.erase(read.begin());
  RC_ASSERT(read == rows);
}

TEST(DisplayWidthTest, CountsCharacters) {
  EXPECT_EQ(DisplayWidth(""), 0U);
  EXPECT_EQ(DisplayWidth("theta"), 5U);
  EXPECT_EQ(DisplayWidth("θ"), 1U);
  EXPECT_EQ(DisplayWidth("1 ± 2"), 5U);
  EXPECT_EQ(DisplayWidth("━━╌"), 3U);
}

TEST(PadTest, AddsSpacesOnTheSideAwayFromTheAlignment) {
  EXPECT_EQ(Pad("ab", 4, Align::kLeft), "ab  ");
  EXPECT_EQ(Pad("ab", 4, Align::kRight), "  ab");
  EXPECT_EQ(Pad("θ", 3, Align::kRight), "  θ");
  EXPECT_EQ(Pad("abcd", 2, Align::kLeft), "abcd");
  EXPECT_EQ(Pad("", 0, Align::kRight), "");
}

}  // namespace
}  // namespace anneal::client::render
