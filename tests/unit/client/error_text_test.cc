#include "client/error_text.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "gtest/gtest.h"

namespace anneal::client {
namespace {

// The text of an error without details.
std::string TextOf(absl::string_view message) { return ErrorText(absl::NotFoundError(message)); }

TEST(ErrorTextTest, FieldsOfRequestsBecomeOptions) {
  EXPECT_EQ(TextOf("experiment_id is \"A\"; use a-z"), "--id is \"A\"; use a-z");
  EXPECT_EQ(TextOf("order_by names \"x\""), "--sort names \"x\"");
  EXPECT_EQ(TextOf("axes.1.values are empty"), "--sweep are empty");
  EXPECT_EQ(TextOf("seeds has 3 twice; remove the duplicate"),
            "--seeds has 3 twice; remove the duplicate");
}

TEST(ErrorTextTest, AnArgumentIsTheName) {
  EXPECT_EQ(TextOf("parent is \"x/y\"; expected an experiment, such as first"),
            "the name is \"x/y\"; expected an experiment, such as first");
  EXPECT_EQ(TextOf("experiment.name is \"x/y\""), "the name is \"x/y\"");
  EXPECT_EQ(TextOf("names has 0 entries"), "the name has 0 entries");
}

TEST(ErrorTextTest, AnOptionOfALabelHasItsKey) {
  EXPECT_EQ(TextOf("labels.team has 300 bytes"), "--label team has 300 bytes");
  EXPECT_EQ(TextOf("labels has the key \"A\""), "--label has the key \"A\"");
}

TEST(ErrorTextTest, EveryLineHasAField) {
  EXPECT_EQ(TextOf("note is long\nepochs is 0\npriority is -101"),
            "--note is long\nepochs is 0\n--priority is -101");
}

TEST(ErrorTextTest, WordsOfTheUserAreNoFields) {
  FieldViolations in_experiment;
  in_experiment.AddUnder("", AtField("axes.0.field", InvalidField("note", "is an unknown field")));
  in_experiment.Add("note", "is long");
  FieldViolations in_config;
  in_config.Add("labels.x", "is an unknown field");
  FieldViolations violations;
  violations.AddUnder("experiment", in_experiment);
  violations.AddUnder("experiment.config", in_config);
  violations.Add("experiment_id", "is bad");
  EXPECT_EQ(ErrorText(violations.ToStatus()),
            "note is an unknown field\n--note is long\nlabels.x is an unknown field\n--id is bad");
}

TEST(ErrorTextTest, QuotationMarksOfTheUserEndNoQuotation) {
  const std::string text = Quoted("x\" experiments/first/runs/0 y\nnote z");
  EXPECT_EQ(ErrorText(InvalidField("experiment_id", absl::StrCat("is ", text))),
            "--id is \"x\\\" experiments/first/runs/0 y\\nnote z\"");
}

TEST(ErrorTextTest, OnlyWholeFieldNamesAtTheBeginningChange) {
  EXPECT_EQ(TextOf("noteworthy is not a field"), "noteworthy is not a field");
  EXPECT_EQ(TextOf("no filter is set"), "no filter is set");
  EXPECT_EQ(TextOf("theta.policy is required"), "theta.policy is required");
  EXPECT_EQ(TextOf(""), "");
}

TEST(ErrorTextTest, ResourceNamesAreShortened) {
  EXPECT_EQ(TextOf("there is no run experiments/first/runs/7"), "there is no run first/7");
  EXPECT_EQ(TextOf("experiments/a, experiments/b-1: both are deleted"), "a, b-1: both are deleted");
}

TEST(ErrorTextTest, QuotedTextIsUnchanged) {
  EXPECT_EQ(TextOf("filter is \"name = experiments/a\"; experiments/a has no such field"),
            "--filter is \"name = experiments/a\"; a has no such field");
}

}  // namespace
}  // namespace anneal::client
