// Runs common/write_build_info.cmake, which every build runs, on source trees of its own.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {
namespace {

namespace fs = std::filesystem;

const fs::path kCommon = fs::path(SOURCE_DIR) / "common";

int Shell(const std::string& command) {
  return std::system(absl::StrCat(command, " >/dev/null 2>&1").c_str());
}

class BuildInfoTest : public testing::Test {
 protected:
  void SetUp() override {
    if (Shell("git --version") != 0 || Shell("cmake --version") != 0) {
      GTEST_SKIP() << "takes git and cmake";
    }
    AddSource(source_);
  }

  static void AddSource(const fs::path& source) {
    fs::create_directories(source / "common");
    fs::copy_file(kCommon / "build_info.cc.in", source / "common" / "build_info.cc.in");
  }

  // Commits all files of a new repository.
  static void Commit(const fs::path& repository) {
    const std::string git = absl::StrCat("git -C ", repository.string(), " ");
    ASSERT_EQ(Shell(git + "init"), 0);
    ASSERT_EQ(Shell(git + "add ."), 0);
    ASSERT_EQ(
        Shell(git + "-c user.name=a -c user.email=a@b -c commit.gpgsign=false commit -m first"), 0);
  }

  static std::string HeadOf(const fs::path& repository) {
    char line[64] = {};
    FILE* output =
        ::popen(absl::StrCat("git -C ", repository.string(), " rev-parse HEAD").c_str(), "r");
    EXPECT_NE(std::fgets(line, sizeof(line), output), nullptr);
    ::pclose(output);
    return std::string(absl::StripSuffix(line, "\n"));
  }

  std::string Write(const fs::path& source) const {
    EXPECT_EQ(Shell(absl::StrCat("cmake -DSOURCE=", source.string(), " -DOUTPUT=", output_.string(),
                                 " '-DCOMPILER=GNU 12.2.0' -P ",
                                 (kCommon / "write_build_info.cmake").string())),
              0);
    std::stringstream text;
    text << std::ifstream(output_).rdbuf();
    return text.str();
  }

  const TempDirectory directory_;
  const fs::path source_ = fs::path(directory_.path()) / "source";
  const fs::path output_ = fs::path(directory_.path()) / "build_info.cc";
};

TEST_F(BuildInfoTest, NamesTheCommitOfACleanTree) {
  ASSERT_NO_FATAL_FAILURE(Commit(source_));
  const std::string text = Write(source_);
  EXPECT_TRUE(absl::StrContains(text, absl::StrCat("GitCommit() { return \"", HeadOf(source_))));
  EXPECT_TRUE(absl::StrContains(text, "IsGitDirty() { return false; }"));
  EXPECT_TRUE(absl::StrContains(text, "CompilerName() { return \"GNU 12.2.0\"; }"));
}

TEST_F(BuildInfoTest, IsDirtyIfATrackedFileHasChanged) {
  ASSERT_NO_FATAL_FAILURE(Commit(source_));
  std::ofstream(source_ / "untracked") << "no source";
  EXPECT_TRUE(absl::StrContains(Write(source_), "IsGitDirty() { return false; }"));
  std::ofstream(source_ / "common" / "build_info.cc.in", std::ios::app) << "// changed\n";
  EXPECT_TRUE(absl::StrContains(Write(source_), "IsGitDirty() { return true; }"));
}

TEST_F(BuildInfoTest, LeavesTheFileAloneWhileNothingChanges) {
  ASSERT_NO_FATAL_FAILURE(Commit(source_));
  Write(source_);
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(output_, long_ago);
  Write(source_);
  EXPECT_EQ(fs::last_write_time(output_), long_ago) << "every build would compile it";
}

TEST_F(BuildInfoTest, HasNoCommitOutsideOfARepository) {
  const std::string text = Write(source_);
  EXPECT_TRUE(absl::StrContains(text, "GitCommit() { return \"\"; }"));
  EXPECT_TRUE(absl::StrContains(text, "IsGitDirty() { return false; }"));
}

TEST_F(BuildInfoTest, HasNoCommitInsideTheRepositoryOfAnotherProject) {
  ASSERT_NO_FATAL_FAILURE(Commit(source_));
  AddSource(source_ / "vendored");
  EXPECT_TRUE(absl::StrContains(Write(source_ / "vendored"), "GitCommit() { return \"\"; }"));
}

}  // namespace
}  // namespace anneal
