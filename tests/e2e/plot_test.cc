// Tests anneal plot: files, terminal output and errors.

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// One daemon for all tests: `first` has two seeds of three epochs and all diagnostics, `other` one
// of the seeds without them, `wild` a rate with which runs diverge.
class PlotTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestDaemon>();
    daemon_->RunToEnd("first",
                      {"--seeds", "0..1", "--set", "diagnostics.activations=true", "--set",
                       "diagnostics.hessian_every=1", "--set", "diagnostics.probe_size=16"});
    daemon_->RunToEnd("other", {});
    daemon_->RunToEnd(
        "wild", {"--set", "optimizer.kind=SGD", "--sweep", "optimizer.learning_rate=0.001,1000"});
  }
  static void TearDownTestSuite() { daemon_.reset(); }

  static Finished Plot(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "plot");
    return daemon_->Anneal(arguments);
  }

  static std::unique_ptr<TestDaemon> daemon_;
  TempDirectory directory_;
};
std::unique_ptr<TestDaemon> PlotTest::daemon_;

TEST_F(PlotTest, EveryKindDrawsToFilesAndTheTerminal) {
  for (const std::string kind :
       {"curves", "theta", "youden", "compare", "schedule", "confusion", "landscape"}) {
    const std::string svg = directory_.file(kind + ".svg");
    const Finished drawn = Plot({kind, "first", "--out", svg, "--title", "of " + kind});
    EXPECT_EQ(drawn.code, kFine) << kind << ": " << drawn.errors;
    EXPECT_EQ(drawn.output, svg + "\n");
    EXPECT_NE(Contents(svg).find("of " + kind), std::string::npos) << kind;
    const std::string png = directory_.file(kind + ".png");
    EXPECT_EQ(Plot({kind, "first", "--out", png}).code, kFine) << kind;
    EXPECT_EQ(Contents(png).substr(1, 3), "PNG") << kind;
    const Finished shown = Plot({kind, "first"});
    EXPECT_EQ(shown.code, kFine) << kind << ": " << shown.errors;
    EXPECT_THAT(shown.output, Not(IsEmpty()));
    EXPECT_THAT(shown.output, Not(HasSubstr("\x1b"))) << kind << " colours a pipe";
  }
}

TEST_F(PlotTest, ArmsAreInTheLegendWithTheirRuns) {
  const Finished shown = Plot({"curves", "first", "other", "--metric", "validation_accuracy"});
  EXPECT_EQ(shown.code, kFine) << shown.errors;
  EXPECT_THAT(shown.output, HasSubstr("mean over seeds"));
  EXPECT_THAT(shown.output, HasSubstr("first (n = 2)"));
  EXPECT_THAT(shown.output, HasSubstr("other (n = 1)"));
  // A run that differs only in its diagnostics is the same observation.
  EXPECT_THAT(Plot({"curves", "first", "other", "--by", "epochs"}).output,
              HasSubstr("epochs=3 (n = 2)"));
}

TEST_F(PlotTest, SingleRunsArePlottedAlone) {
  for (const std::string kind : {"curves", "theta", "youden", "landscape"}) {
    const Finished shown = Plot({kind, "first/1"});
    EXPECT_EQ(shown.code, kFine) << kind << ": " << shown.errors;
    EXPECT_THAT(shown.output, HasSubstr("n = 1)")) << kind;
    EXPECT_THAT(shown.output, Not(HasSubstr("n = 2"))) << kind;
  }
  EXPECT_THAT(Plot({"confusion", "first/1"}).output, HasSubstr("first (n = 1)"));
  EXPECT_THAT(Plot({"curves", "first/1", "other"}).output, HasSubstr("other (n = 1)"));
  EXPECT_TRUE(IsOneLineError(Plot({"curves", "first/2"}), kFailed, {"first/2"}));
}

TEST_F(PlotTest, RunsThatDivergedAreShown) {
  EXPECT_THAT(Plot({"curves", "wild"}).output,
              HasSubstr("wild,optimizer.learning_rate=1000 (n = 0, 1 diverged)"));
  EXPECT_THAT(Plot({"youden", "wild"}).output, HasSubstr("not drawn: 1 diverged"));
  EXPECT_THAT(Plot({"compare", "wild"}).output, Not(HasSubstr("excluded")));
  EXPECT_THAT(Plot({"compare", "wild", "--failed", "exclude"}).output,
              HasSubstr("diverged runs excluded"));
}

TEST_F(PlotTest, OnlyFiguresOfTestResultsAreLooks) {
  const auto looks = [] {
    return ParseJson<v1::Experiment>(daemon_->Anneal({"show", "wild", "--output", "json"}).output)
        .looks();
  };
  for (const std::string kind : {"curves", "theta", "youden", "compare"}) {
    EXPECT_EQ(Plot({kind, "wild"}).code, kFine) << kind;
  }
  EXPECT_EQ(looks(), 0);
  EXPECT_EQ(Plot({"confusion", "wild"}).code, kFine);
  EXPECT_EQ(looks(), 1);
  EXPECT_EQ(Plot({"compare", "wild", "--metric", "test_loss"}).code, kFine);
  EXPECT_EQ(looks(), 2);
}

TEST_F(PlotTest, ErrorsNameTheInvalidArgument) {
  const Finished metric = Plot({"curves", "first", "--metric", "nonsense"});
  EXPECT_EQ(metric.code, 2);
  EXPECT_THAT(metric.errors, HasSubstr("nonsense"));
  EXPECT_THAT(metric.errors, HasSubstr("validation_loss"));
  EXPECT_THAT(Plot({"curves", "nobody"}).errors, HasSubstr("nobody"));
  EXPECT_THAT(Plot({"landscape", "other"}).errors, HasSubstr("--set diagnostics.activations=true"));
  EXPECT_THAT(Plot({"curves", "first", "--out", "x.pdf"}).errors, HasSubstr("*.svg or *.png"));
  const Finished unwritable = Plot({"curves", "first", "--out", "/nowhere/x.svg"});
  EXPECT_EQ(unwritable.code, 2);
  EXPECT_THAT(unwritable.errors, HasSubstr("/nowhere/x.svg"));
}

}  // namespace
}  // namespace anneal
