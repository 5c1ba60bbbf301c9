#include "server/training/data/idx.h"

#include <string>
#include <vector>

#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::data {
namespace {

using ::std::string_literals::operator""s;

class IdxTest : public ::testing::Test {
 protected:
  // Reads `bytes` as a plain file.
  absl::StatusOr<IdxArray> Read(const std::string& bytes, int dimensions) {
    WriteFile(path_, bytes);
    return ReadIdx(path_, dimensions);
  }
  // Reads `bytes` as a gzipped file.
  absl::StatusOr<IdxArray> ReadGzip(const std::string& bytes, int dimensions) {
    WriteGzip(path_, bytes);
    return ReadIdx(path_, dimensions);
  }
  void ExpectDataLoss(const absl::StatusOr<IdxArray>& array) {
    ASSERT_EQ(array.status().code(), absl::StatusCode::kDataLoss) << array.status();
    EXPECT_TRUE(Mentions(array.status().message(), {path_}));
  }

  TempDirectory directory_;
  const std::string path_ = directory_.file("some-idx");
};

const std::string kImages = "\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x03\x01\x02\x03\xfd\xfe\xff"s;
const std::string kLabels = "\0\0\x08\x01\0\0\0\x03\x07\0\x09"s;

TEST_F(IdxTest, ReadsThePlainFormat) {
  const absl::StatusOr<IdxArray> array = Read(kImages, 3);
  ASSERT_EQ(array.status(), absl::OkStatus());
  EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 1, 3}));
  EXPECT_EQ(array->values, (std::vector<uint8_t>{1, 2, 3, 253, 254, 255}));
  EXPECT_EQ(array->header, kImages.substr(0, 16));
}

TEST_F(IdxTest, ReadsGzip) {
  const absl::StatusOr<IdxArray> array = ReadGzip(kLabels, 1);
  ASSERT_EQ(array.status(), absl::OkStatus());
  EXPECT_EQ(array->shape, (std::vector<int64_t>{3}));
  EXPECT_EQ(array->values, (std::vector<uint8_t>{7, 0, 9}));
  EXPECT_EQ(array->header, kLabels.substr(0, 8));
}

TEST_F(IdxTest, ReadsDimensionsOfMoreThanOneByte) {
  WriteIdx(path_, {3, 300, 2}, std::vector<uint8_t>(1800, 5));
  const absl::StatusOr<IdxArray> array = ReadIdx(path_, 3);
  ASSERT_EQ(array.status(), absl::OkStatus());
  EXPECT_EQ(array->shape, (std::vector<int64_t>{3, 300, 2}));
  EXPECT_EQ(array->values, std::vector<uint8_t>(1800, 5));
}

TEST_F(IdxTest, ReportsNotFoundForAMissingFile) {
  const absl::Status status = ReadIdx(directory_.file("nothing"), 1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Mentions(status.message(), {directory_.file("nothing")}));
}

TEST_F(IdxTest, RejectsAWrongMagicNumber) {
  for (size_t i = 0; i < 4; ++i) {
    std::string bytes = kLabels;
    bytes[i] = static_cast<char>(bytes[i] + 1);
    ExpectDataLoss(Read(bytes, 1));
  }
}

TEST_F(IdxTest, RejectsAWrongNumberOfDimensions) {
  ExpectDataLoss(Read(kImages, 1));
  ExpectDataLoss(Read(kLabels, 3));
}

TEST_F(IdxTest, RejectsTruncationAtAnyByte) {
  for (size_t size = 0; size < kImages.size(); ++size) {
    SCOPED_TRACE(size);
    ExpectDataLoss(Read(kImages.substr(0, size), 3));
    ExpectDataLoss(ReadGzip(kImages.substr(0, size), 3));
  }
}

TEST_F(IdxTest, RejectsTrailingBytes) {
  ExpectDataLoss(Read(kImages + "x", 3));
  ExpectDataLoss(ReadGzip(kImages + "x", 3));
}

TEST_F(IdxTest, RejectsADimensionOfZero) {
  ExpectDataLoss(Read("\0\0\x08\x01\0\0\0\0"s, 1));
  ExpectDataLoss(Read("\0\0\x08\x03\0\0\0\x01\0\0\0\0\0\0\0\x01"s, 3));
}

TEST_F(IdxTest, RejectsAHeaderLargerThanTheData) {
  ExpectDataLoss(Read("\0\0\x08\x01\x7f\xff\xff\xff\x01\x02"s, 1));
  ExpectDataLoss(ReadGzip("\0\0\x08\x01\xff\xff\xff\xff\x01\x02"s, 1));
}

TEST_F(IdxTest, RejectsDimensionsWhoseProductOverflows) {
  ExpectDataLoss(Read("\0\0\x08\x03\0\x01\0\0\0\x01\0\0\0\0\0\x02\x01\x02"s, 3));
  ExpectDataLoss(Read("\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s, 3));
}

TEST_F(IdxTest, RejectsGzipTruncatedAtAnyByte) {
  WriteGzip(path_, kImages);
  const std::string whole = ReadFile(path_);
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    ExpectDataLoss(Read(whole.substr(0, size), 3));
  }
}

TEST_F(IdxTest, DetectsEveryBitFlipInGzipThatChangesValues) {
  WriteGzip(path_, kImages);
  const std::string whole = ReadFile(path_);
  int refused = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    const absl::StatusOr<IdxArray> array = Read(bytes, 3);
    if (array.ok()) {
      // Some bits of gzip's header do not affect the contents.
      EXPECT_EQ(array->values, (std::vector<uint8_t>{1, 2, 3, 253, 254, 255})) << "bit " << bit;
    } else {
      EXPECT_EQ(array.status().code(), absl::StatusCode::kDataLoss) << "bit " << bit;
      ++refused;
    }
  }
  EXPECT_GT(refused, 8 * static_cast<int>(kImages.size()));
}

}  // namespace
}  // namespace anneal::training::data
