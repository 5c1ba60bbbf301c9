#include "client/error_text.h"

#include "gtest/gtest.h"

namespace anneal::client {
namespace {

TEST(ErrorTextTest, FieldsOfRequestsBecomeOptions) {
  EXPECT_EQ(ErrorText("experiment_id is \"A\"; use a-z"), "--id is \"A\"; use a-z");
  EXPECT_EQ(ErrorText("order_by names \"x\""), "--sort names \"x\"");
  EXPECT_EQ(ErrorText("axes.1.values are empty"), "--sweep are empty");
  EXPECT_EQ(ErrorText("seeds has 3 twice; remove the duplicate"),
            "--seeds has 3 twice; remove the duplicate");
}

TEST(ErrorTextTest, EveryLineHasAField) {
  EXPECT_EQ(ErrorText("note is long\nepochs is 0\npriority is -101"),
            "--note is long\nepochs is 0\n--priority is -101");
}

TEST(ErrorTextTest, OnlyWholeFieldNamesAtTheBeginningChange) {
  EXPECT_EQ(ErrorText("noteworthy is not a field"), "noteworthy is not a field");
  EXPECT_EQ(ErrorText("no filter is set"), "no filter is set");
  EXPECT_EQ(ErrorText("theta.policy is required"), "theta.policy is required");
  EXPECT_EQ(ErrorText(""), "");
}

TEST(ErrorTextTest, ResourceNamesAreShortened) {
  EXPECT_EQ(ErrorText("there is no run experiments/first/runs/7"), "there is no run first/7");
  EXPECT_EQ(ErrorText("experiments/a, experiments/b-1: both are deleted"),
            "a, b-1: both are deleted");
}

TEST(ErrorTextTest, QuotedTextIsUnchanged) {
  EXPECT_EQ(ErrorText("filter is \"name = experiments/a\"; experiments/a has no such field"),
            "--filter is \"name = experiments/a\"; a has no such field");
}

}  // namespace
}  // namespace anneal::client
