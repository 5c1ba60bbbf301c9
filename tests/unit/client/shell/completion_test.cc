#include "client/shell/completion.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::client::shell {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using Words = std::vector<std::string>;

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() : app_("", "anneal") {
    app_.add_option("--server", text_, "Where");
    app_.fallthrough();
    CLI::App* submit = app_.add_subcommand("submit");
    submit->add_option("--preset", text_);
    submit->add_option("--set", text_);
    submit->add_option("--sweep", text_);
    submit->add_option("--like", text_);
    submit->add_option("--file", text_);
    submit->add_flag("-f,--follow", flag_);
    CLI::App* show = app_.add_subcommand("show");
    show->add_option("name", text_);
    show->add_option("--output,-o", text_)->check(CLI::IsMember({"table", "json"}));
    CLI::App* history = app_.add_subcommand("history");
    history->add_option("run", text_);
    CLI::App* plot = app_.add_subcommand("plot");
    CLI::App* curves = plot->add_subcommand("curves");
    curves->add_option("names", texts_);
    curves->add_option("--metric", text_);
    app_.add_subcommand("explain")->add_option("field", text_);
    app_.add_subcommand("context")->add_subcommand("use")->add_option("context", text_);
    sources_.experiments = [] { return Words{"first", "second"}; };
    sources_.runs = [](const std::string& experiment) {
      return Words{experiment + "/0", experiment + "/1"};
    };
    sources_.presets = [] { return Words{"annealed", "baseline"}; };
    sources_.contexts = [] { return Words{"lab"}; };
  }

  Words After(const Words& words) { return Complete(app_, words, sources_); }

  CLI::App app_;
  CompletionSources sources_;
  std::string text_;
  Words texts_;
  bool flag_ = false;
};

TEST_F(CompletionTest, FieldsAndMessagesToExplain) {
  EXPECT_THAT(After({"explain", "theta.pl"}),
              ElementsAre("theta.plateau", "theta.plateau.notch", "theta.plateau.patience",
                          "theta.plateau.tolerance"));
  EXPECT_THAT(After({"explain", "network.layers.N.conv.k"}),
              ElementsAre("network.layers.N.conv.kernel"));
}

TEST_F(CompletionTest, MetricsToExplain) {
  EXPECT_THAT(After({"explain", "validation_relu_a"}), ElementsAre("validation_relu_accuracy"));
  EXPECT_THAT(After({"explain", "metr"}), ElementsAre("metrics"));
}

TEST_F(CompletionTest, MetricsOfOtherEpochsOnceTheirFormIsTyped) {
  const auto metric = [this](const std::string& typed) {
    return After({"plot", "curves", "first", "--metric", typed});
  };
  EXPECT_THAT(metric("best.validation_l"), ElementsAre("best.validation_loss"));
  EXPECT_THAT(metric("min.theta_me"), ElementsAre("min.theta_mean", "min.theta_median"));
  EXPECT_THAT(metric("best.theta_me"), IsEmpty()) << "neither direction is better";
  EXPECT_THAT(metric("log_loss_area.t"), ElementsAre("log_loss_area.train_loss"));
  EXPECT_THAT(metric(""), Not(Contains("best.validation_loss"))) << "three times as many";
}

TEST_F(CompletionTest, Commands) {
  EXPECT_THAT(After({""}), ElementsAre("context", "explain", "history", "plot", "show", "submit"));
  EXPECT_THAT(After({"s"}), ElementsAre("show", "submit"));
  EXPECT_THAT(After({"plot", ""}), ElementsAre("curves"));
  EXPECT_THAT(After({"x"}), IsEmpty());
}

TEST_F(CompletionTest, OptionsOfTheCommandAndOfTheProgram) {
  EXPECT_THAT(After({"show", "-"}), IsSupersetOf({"--output", "--server", "--help"}));
  EXPECT_THAT(After({"show", "--o"}), ElementsAre("--output"));
  EXPECT_THAT(After({"submit", "-"}), Not(Contains("--output")));
}

TEST_F(CompletionTest, ValuesThatCanBeChosen) {
  EXPECT_THAT(After({"show", "--output", ""}), ElementsAre("json", "table"));
  EXPECT_THAT(After({"show", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(After({"show", "--output=t"}), ElementsAre("--output=table"));
  EXPECT_THAT(After({"submit", "--preset", "b"}), ElementsAre("baseline"));
  EXPECT_THAT(After({"context", "use", ""}), ElementsAre("lab"));
  EXPECT_THAT(After({"plot", "curves", "first", "--metric", "validation_relu_a"}),
              ElementsAre("validation_relu_accuracy"));
}

TEST_F(CompletionTest, ExperimentsAndThenTheirRuns) {
  EXPECT_THAT(After({"show", ""}), ElementsAre("first", "second"));
  EXPECT_THAT(After({"show", "first/"}), ElementsAre("first/0", "first/1"));
  EXPECT_THAT(After({"history", "f"}), ElementsAre("first/"));
  EXPECT_THAT(After({"submit", "--like", "sec"}), ElementsAre("second/"));
  EXPECT_THAT(After({"show", "first", ""}), IsEmpty()) << "it takes one";
  EXPECT_THAT(After({"plot", "curves", "first", "second", "f"}), ElementsAre("first"))
      << "it takes many";
}

TEST_F(CompletionTest, FieldsOfTheConfigAndTheirValues) {
  EXPECT_THAT(After({"submit", "--set", "optimizer.k"}), ElementsAre("optimizer.kind="));
  EXPECT_THAT(After({"submit", "--set", "optimizer.kind=A"}),
              ElementsAre("optimizer.kind=ADAM", "optimizer.kind=ADAMW"));
  EXPECT_THAT(After({"submit", "--sweep", "optimizer.kind=ADAM,S"}),
              ElementsAre("optimizer.kind=ADAM,SGD"));
  EXPECT_THAT(After({"submit", "--set", "epochs="}), IsEmpty());
  EXPECT_THAT(After({"submit", "--set", "nonsense=x"}), IsEmpty());
}

TEST_F(CompletionTest, OptionValuesAreNotMistakenForNames) {
  EXPECT_THAT(After({"--server", "show", "hist"}), ElementsAre("history"));
  EXPECT_THAT(After({"submit", "-f", "--set", "epochs=3", "--preset", "a"}),
              ElementsAre("annealed"));
  EXPECT_THAT(After({"show", "--output", "json", "fi"}), ElementsAre("first"));
}

TEST_F(CompletionTest, AbbreviatedCommandsAreRecognised) {
  EXPECT_THAT(After({"hist", "f"}), ElementsAre("first/"));
}

TEST_F(CompletionTest, FilesAreLeftToTheShell) {
  EXPECT_THAT(After({"submit", "--file", ""}), IsEmpty());
}

TEST_F(CompletionTest, MissingSourcesGiveNoCandidates) {
  sources_ = {};
  EXPECT_THAT(After({"show", ""}), IsEmpty());
  EXPECT_THAT(After({"show", "first/"}), IsEmpty());
  EXPECT_THAT(After({"s"}), ElementsAre("show", "submit"));
}

}  // namespace
}  // namespace anneal::client::shell
