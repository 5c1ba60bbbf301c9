#include "client/exporters/npz.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::client::exporters {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

template <typename Number>
Number At(const std::string& bytes, size_t offset) {
  Number number{};
  std::memcpy(&number, bytes.data() + offset, sizeof(number));
  return number;
}

// What numpy.save writes for numpy.array([1, -2, 65536], "<i4"), NumPy 1.24.
std::string NumpysFile() {
  return absl::StrCat(absl::string_view("\x93NUMPY\x01\x00\x76\x00", 10),
                      "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }",
                      std::string(60, ' '), "\n",
                      absl::string_view("\x01\x00\x00\x00\xfe\xff\xff\xff\x00\x00\x01\x00", 12));
}
// Its CRC by zlib.
constexpr uint32_t kNumpysCrc = 0x1bd77931;

class NpzTest : public ::testing::Test {
 protected:
  const TempDirectory directory_;
  const std::string path_ = directory_.file("arrays.npz");
};

TEST_F(NpzTest, AnArrayIsWhatNumpyWrites) {
  EXPECT_EQ(Npy({1, -2, 65536}), NumpysFile());
  EXPECT_EQ(Npy({}).size(), 128U);
  for (size_t count : {9U, 10U, 99'999U, 100'000U}) {
    const std::string npy = Npy(std::vector<int32_t>(count));
    EXPECT_EQ((npy.size() - 4 * count) % 64, 0U) << "the values are aligned";
  }
}

TEST_F(NpzTest, MembersAndDirectoryDescribeTheSameArrays) {
  NpzFile file("--out", path_);
  ASSERT_EQ(file.Add("first", {1, -2, 65536}), absl::OkStatus());
  ASSERT_EQ(file.Add("second", {}), absl::OkStatus());
  ASSERT_EQ(file.Finish(), absl::OkStatus());
  const std::string zip = Contents(path_);
  const std::string name = "first.npy";

  EXPECT_EQ(At<uint32_t>(zip, 0), 0x04034b50U);
  EXPECT_EQ(At<uint32_t>(zip, 14), kNumpysCrc);
  EXPECT_EQ(At<uint32_t>(zip, 18), NumpysFile().size());
  EXPECT_EQ(zip.substr(30, name.size()), name);
  EXPECT_EQ(zip.substr(30 + name.size(), NumpysFile().size()), NumpysFile());
  const size_t second = 30 + name.size() + NumpysFile().size();
  EXPECT_EQ(At<uint32_t>(zip, second), 0x04034b50U);

  const size_t end = zip.size() - 22;
  EXPECT_EQ(At<uint32_t>(zip, end), 0x06054b50U);
  EXPECT_EQ(At<uint16_t>(zip, end + 10), 2);
  const auto directory = At<uint32_t>(zip, end + 16);
  EXPECT_EQ(directory + At<uint32_t>(zip, end + 12), end);
  EXPECT_EQ(At<uint32_t>(zip, directory), 0x02014b50U);
  EXPECT_EQ(At<uint32_t>(zip, directory + 16), kNumpysCrc);
  EXPECT_EQ(At<uint32_t>(zip, directory + 42), 0U) << "where the first member begins";
  const size_t next = directory + 46 + name.size();
  EXPECT_EQ(At<uint32_t>(zip, next), 0x02014b50U);
  EXPECT_EQ(At<uint32_t>(zip, next + 42), second);
  EXPECT_EQ(zip.substr(next + 46, end - next - 46), "second.npy");
}

TEST_F(NpzTest, TheFileAppearsWhenItIsFinished) {
  {
    NpzFile file("--out", path_);
    ASSERT_EQ(file.Add("first", {1}), absl::OkStatus());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  NpzFile file("--out", directory_.file("none/arrays.npz"));
  EXPECT_TRUE(absl::IsInvalidArgument(file.Add("first", {1})));
}

TEST_F(NpzTest, MoreArraysThanAnArchiveCanHaveAreRefused) {
  NpzFile file("--out", path_);
  for (int i = 0; i < 65'534; ++i) ASSERT_EQ(file.Add(absl::StrCat(i), {}), absl::OkStatus());
  EXPECT_TRUE(absl::IsOutOfRange(file.Add("more", {})));
}

}  // namespace
}  // namespace anneal::client::exporters
