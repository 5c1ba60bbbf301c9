#include "client/shell/man.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::shell {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ManPageTest, RendersTheHelpOfACommand) {
  CLI::App app("anneal: submit, watch", "anneal");
  std::string text;
  CLI::App* plot = app.add_subcommand("plot", "Figures");
  CLI::App* curves = plot->add_subcommand("curves", "By epoch");
  curves->add_option("names", text, "Experiments")->required();
  curves->add_option("--metric,-m", text, "Such as a-b or θ")
      ->check(CLI::IsMember({"a", "b"}))
      ->default_str("a");
  curves->footer("Example: anneal plot curves 'first'");

  EXPECT_EQ(ManName(app), "anneal");
  EXPECT_EQ(ManName(*plot), "anneal-plot");
  const std::string program = ManPage(app);
  EXPECT_THAT(program, AllOf(HasSubstr("\nanneal \\- submit, watch\n"),
                             HasSubstr("anneal\\-plot\\fR(1)\nFigures"), HasSubstr("EXIT STATUS")));
  const std::string page = ManPage(*plot);
  EXPECT_THAT(
      page,
      AllOf(HasSubstr(".TH ANNEAL-PLOT 1"), HasSubstr(".SH ANNEAL PLOT CURVES"),
            HasSubstr("\\fBnames\\fR\nExperiments (required)"),
            HasSubstr(
                "\\fB\\-m, \\-\\-metric\\fR \\fITEXT\\fR\nSuch as a\\-b or \\[u03B8] (default: a)"),
            HasSubstr("anneal plot curves \\(aqfirst\\(aq"), Not(HasSubstr("Example:"))));
}

TEST(ManPageTest, EscapesLinesThatLookLikeRequests) {
  CLI::App app("first\n.so /etc/passwd\n'x", "anneal");
  EXPECT_THAT(ManPage(app), AllOf(HasSubstr("\n\\&.so"), HasSubstr("\n\\(aqx")));
}

}  // namespace
}  // namespace anneal::client::shell
