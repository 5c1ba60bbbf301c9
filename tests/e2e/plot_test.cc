// Tests anneal plot: files, terminal output and errors.

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/test_daemon.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// One daemon for all tests: `first` has two seeds of three epochs and all diagnostics, `other` one
// seed.
class PlotTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestDaemon>();
    daemon_->RunToEnd("first",
                      {"--seeds", "0..1", "--set", "diagnostics.activations=true", "--set",
                       "diagnostics.hessian_every=1", "--set", "diagnostics.probe_size=16"});
    daemon_->RunToEnd("other", {});
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
  const Finished shown = Plot({"curves", "first", "other/0", "--metric", "validation_accuracy"});
  EXPECT_EQ(shown.code, kFine) << shown.errors;
  EXPECT_THAT(shown.output, HasSubstr("first (2 runs)"));
  EXPECT_THAT(shown.output, HasSubstr("other (1 run)"));
  EXPECT_THAT(Plot({"curves", "first", "other", "--by", "epochs"}).output,
              HasSubstr("epochs=3 (3 runs)"));
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
