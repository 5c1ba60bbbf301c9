#include "common/private_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

struct stat StatusOf(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info;
}

class PrivateFileTest : public ::testing::Test {
 protected:
  const TempDirectory directory_;
  const std::string path_ = directory_.file("secret");
};

TEST_F(PrivateFileTest, RoundTripsWithMode0600) {
  for (const std::string& contents :
       {std::string("first"), std::string("a\0b", 3), std::string()}) {
    ASSERT_TRUE(WritePrivateFile(path_, contents).ok());
    const auto read = ReadPrivateFile(path_);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, contents);
    EXPECT_EQ(StatusOf(path_).st_mode & 0777, 0600U);
  }
  const std::filesystem::directory_iterator left(std::filesystem::path(path_).parent_path());
  EXPECT_EQ(std::distance(left, {}), 1) << "temporary files are left";
}

TEST_F(PrivateFileTest, AMissingFileIsNotAnError) {
  for (const std::string& path : {path_, path_ + "/below/nothing"}) {
    const auto read = ReadPrivateFile(path);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, std::nullopt);
  }
}

TEST_F(PrivateFileTest, FilesAccessibleToOthersAreRejectedWithTheRemedy) {
  ASSERT_TRUE(WritePrivateFile(path_, "x").ok());
  for (const mode_t mode : {0640U, 0604U, 0620U}) {
    ASSERT_EQ(::chmod(path_.c_str(), mode), 0);
    const absl::Status status = ReadPrivateFile(path_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr("chmod 600 " + path_));
  }
}

TEST_F(PrivateFileTest, AFailedWriteIsAnErrorAndKeepsTheTarget) {
  EXPECT_THAT(WritePrivateFile(path_ + "/below", "x").message(), HasSubstr("cannot write"));
  std::filesystem::create_directory(path_);
  EXPECT_THAT(WritePrivateFile(path_, "x").message(), HasSubstr("cannot write"));
  EXPECT_TRUE(std::filesystem::is_directory(path_));
}

TEST_F(PrivateFileTest, FilesWrittenByRootBelongToTheDirectorysOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  constexpr uid_t kNobody = 65534;
  const std::string directory = directory_.file("theirs");
  std::filesystem::create_directory(directory);
  ASSERT_EQ(::chown(directory.c_str(), kNobody, kNobody), 0);
  ASSERT_TRUE(WritePrivateFile(directory + "/secret", "x").ok());
  EXPECT_EQ(StatusOf(directory + "/secret").st_uid, kNobody);
  EXPECT_EQ(StatusOf(directory + "/secret").st_mode & 0777, 0600U);
}

}  // namespace
}  // namespace anneal
