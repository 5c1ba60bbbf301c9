// Tests `anneal split` as users type it. tests/replay/ reads its files with NumPy.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/records.h"
#include "tests/e2e/test_daemon.h"

namespace anneal {
namespace {

class SplitTest : public ::testing::Test {
 protected:
  static std::string Contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  // Returns the file that `anneal split` writes.
  std::string Split(const std::string& name, const std::string& run,
                    const std::vector<std::string>& options = {}) const {
    const std::string path = daemon_.file(name);
    std::vector<std::string> arguments = {"split", run, "--out", path};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Finished finished = daemon_.Anneal(arguments);
    EXPECT_EQ(finished.code, kFine) << finished.errors;
    EXPECT_EQ(finished.output, path + "\n");
    return Contents(path);
  }

  TestDaemon daemon_;
};

TEST_F(SplitTest, CsvHasTheSplitAndTheOrdersOfEpochs) {
  daemon_.RunToEnd("e", {"--set", "dataset.train_limit=100"});
  const Csv csv = ParseCsv(Split("split.csv", "e/0", {"--epochs", "3,1"}));
  EXPECT_EQ(csv.header, (std::vector<std::string>{"part", "epoch", "position", "image"}));
  std::map<std::string, std::set<std::string>> images;
  for (const std::vector<std::string>& row : csv.rows) {
    std::set<std::string>& part = images[absl::StrCat(row[0], row[1])];
    EXPECT_EQ(row[2], absl::StrCat(part.size()));
    EXPECT_TRUE(part.insert(row[3]).second) << "an image twice";
  }
  EXPECT_EQ(images.size(), 4U);
  EXPECT_EQ(images["train"].size(), 100U);
  EXPECT_EQ(images["validation"].size(), 30U);
  EXPECT_EQ(images["epoch1"], images["train"]);
  EXPECT_EQ(images["epoch3"], images["train"]);
}

TEST_F(SplitTest, TheSeedAloneDeterminesTheFile) {
  daemon_.RunToEnd("a", {"--seeds", "1,2"});
  daemon_.RunToEnd("b", {"--seeds", "1", "--set", "theta.policy=FIXED"});
  const std::string file = Split("a.npz", "a/0");
  EXPECT_EQ(file, Split("b.npz", "b/0"));
  EXPECT_NE(file, Split("c.npz", "a/1"));
  EXPECT_EQ(file.substr(0, 4), "PK\x03\x04");
}

TEST_F(SplitTest, ErrorsLeaveNoFile) {
  daemon_.RunToEnd("e");
  const std::string path = daemon_.file("split.npz");
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"split", "e/0", "--out", daemon_.file("split.txt")}),
                             kBadUsage, {"--out", ".npz", ".csv"}));
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"split", "e/0", "--out", path, "--epochs", "1,9"}),
                             kBadUsage, {"epoch", "9", "1..3"}));
  EXPECT_TRUE(
      IsOneLineError(daemon_.Anneal({"split", "e", "--out", path}), kBadUsage, {"first/0"}));
  EXPECT_TRUE(IsOneLineError(daemon_.Anneal({"split", "e/7", "--out", path}), kFailed, {"e/7"}));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace anneal
