// Tests how the client expands and abbreviates resource names.

#include <string>
#include <vector>

#include "common/resource_name.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

TEST(NamesTest, WhatPeopleTypeAndFullNamesAreTheSame) {
  EXPECT_EQ(ExpandName("first"), "experiments/first");
  EXPECT_EQ(ExpandName("experiments/first"), "experiments/first");
  EXPECT_EQ(ExpandName("first/0"), "experiments/first/runs/0");
  EXPECT_EQ(ExpandName("experiments/first/runs/0"), "experiments/first/runs/0");
}

TEST(NamesTest, WhatIsPrintedCanBeTypedAgain) {
  for (const std::string& name :
       std::vector<std::string>{"experiments/first", "experiments/first/runs/0", "experiments/runs",
                                "experiments/runs/runs/3", "experiments/a-1/runs/9999",
                                "experiments/experiments", "experiments/experiments/runs/0"}) {
    EXPECT_EQ(ExpandName(ShortenName(name)), name) << "printed as " << ShortenName(name);
  }
}

TEST(NamesTest, PrintsShortNames) {
  EXPECT_EQ(ShortenName("experiments/first"), "first");
  EXPECT_EQ(ShortenName("experiments/first/runs/12"), "first/12");
  EXPECT_EQ(ShortenName("presets/annealed"), "presets/annealed");
}

TEST(NamesTest, TellsRunsFromExperiments) {
  EXPECT_TRUE(IsRunName(ExpandName("first/0")));
  EXPECT_TRUE(IsRunName(ExpandName("experiments/first/runs/0")));
  EXPECT_FALSE(IsRunName(ExpandName("first")));
  EXPECT_FALSE(IsRunName(ExpandName("runs")));
}

TEST(NamesTest, ExpandingDoesNotMendABadName) {
  EXPECT_FALSE(ParseRunName("name", ExpandName("first/0/1")).ok());
  EXPECT_FALSE(ParseRunName("name", ExpandName("first/x")).ok());
  EXPECT_FALSE(ParseExperimentName("name", ExpandName("Not A Name")).ok());
  EXPECT_FALSE(ParseExperimentName("name", ExpandName("")).ok());
}

}  // namespace
}  // namespace anneal
