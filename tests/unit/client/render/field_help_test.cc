#include "client/render/field_help.h"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::render {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string HelpOf(const std::string& path) {
  const config::SchemaField* field = config::FindSchemaField(path);
  return field == nullptr ? "no such field" : FieldHelp(*field);
}

TEST(FieldHelpTest, HasEveryAttributeOfTheSchema) {
  EXPECT_THAT(HelpOf("theta.hold"),
              AllOf(StartsWith("theta.hold\n\nUnits spent at theta.start"),
                    HasSubstr("\ntype     whole number\n"), HasSubstr("\nrange    0 or more\n"),
                    HasSubstr("\ndefault  0; for JUMP half of the run, rounded down\n"),
                    HasSubstr("\napplies  when theta.policy is SCHEDULED\n"),
                    HasSubstr("\nexample  --set theta.hold=2\n")));
}

TEST(FieldHelpTest, ListsTheChoicesOfAnEnum) {
  EXPECT_THAT(HelpOf("theta.schedule"),
              AllOf(HasSubstr("default  LINEAR\n"), HasSubstr("\n  COSINE       f(p) = (1 - cos"),
                    HasSubstr("\n  PLATEAU      One notch"), Not(HasSubstr("UNSPECIFIED"))));
}

TEST(FieldHelpTest, ExamplesCanBeTypedIntoAShell) {
  EXPECT_THAT(HelpOf("network.layers"), HasSubstr("--set 'network.layers=[{"));
  EXPECT_THAT(HelpOf("network.layers.N.conv.kernel"),
              AllOf(HasSubstr("--set network.layers.0.conv.kernel=3 "
                              "--set network.layers.0.conv.filters=32\n"),
                    HasSubstr("default  none: required\n")));
}

TEST(FieldHelpTest, ATableHasTheFieldsBelowAMessageInTheOrderOfTheSchema) {
  const auto fields = FieldsBelow("theta.plateau");
  ASSERT_EQ(fields.size(), 3U);
  const Table table = FieldTable(fields, /*complete=*/false);
  EXPECT_EQ(table.rows()[0], (std::vector<std::string>{"theta.plateau.notch", "0.1",
                                                       "Share of (end - start) moved at once"}));
  EXPECT_EQ(FieldsBelow("").size(), FieldCsv(FieldsBelow("")).rows().size());
  EXPECT_EQ(FieldsBelow("epoch").size(), 0U) << "a part of a name is no message";
}

TEST(FieldHelpTest, ARecordHasTheSameFactsAndTheChoices) {
  const FieldRecord record = RecordOf(*config::FindSchemaField("optimizer.kind"));
  EXPECT_EQ(record.default_(), "ADAM");
  EXPECT_EQ(record.choices_size(), 3);
  const Table csv = FieldCsv(FieldsBelow("theta"));
  ASSERT_EQ(csv.columns().size() + 1,
            static_cast<size_t>(FieldRecord::descriptor()->field_count()));
  for (size_t i = 0; i < csv.columns().size(); ++i) {
    EXPECT_EQ(csv.columns()[i].key, FieldRecord::descriptor()->field(static_cast<int>(i))->name());
  }
}

TEST(ConfigMarkdownTest, ThePageInDocsIsUpToDate) {
  std::ifstream file(CONFIG_PAGE);
  const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  EXPECT_TRUE(page == ConfigMarkdown())
      << CONFIG_PAGE << " is stale. Run: anneal explain --markdown > docs/config.md";
}

TEST(ConfigMarkdownTest, HasEveryField) {
  const std::string page = ConfigMarkdown();
  for (const config::SchemaField& field : config::Schema()) {
    EXPECT_THAT(page, HasSubstr("# " + field.path + "\n"));
  }
}

}  // namespace
}  // namespace anneal::client::render
