#include "server/training/data/dataset.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "common/sha256.h"
#include "server/training/data/batches.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::data {
namespace {

constexpr const char* kFiles[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                  "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

// Writes four training images of 2x2 pixels and two test images, which tests modify.
class DatasetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write(0, {4, 2, 2}, train_pixels_);
    Write(1, {4}, {0, 2, 1, 0});
    Write(2, {2, 2, 2}, {9, 8, 7, 6, 5, 4, 3, 2});
    Write(3, {2}, {2, 1});
  }
  std::string Path(int file) const { return directory_.file(kFiles[file]); }
  void Write(int file, const std::vector<uint32_t>& shape, const std::vector<uint8_t>& values) {
    WriteIdx(Path(file), shape, values);
  }
  absl::StatusOr<Dataset> Load() const { return LoadDataset(directory_.path()); }
  // Replaces a file by its gzip.
  void Compress(int file) {
    WriteGzip(Path(file) + ".gz", ReadFile(Path(file)));
    std::filesystem::remove(Path(file));
  }

  const std::vector<uint8_t> train_pixels_ = {0,  10, 20, 30, 255, 100, 0,  3,
                                              60, 60, 1,  2,  200, 90,  80, 70};
  const TempDirectory directory_;
};

TEST_F(DatasetTest, LoadsTheFourFiles) {
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  EXPECT_EQ(dataset->height, 2);
  EXPECT_EQ(dataset->width, 2);
  EXPECT_EQ(dataset->classes, 3);
  EXPECT_EQ(dataset->train.pixels, train_pixels_);
  EXPECT_EQ(dataset->train.labels, (std::vector<uint8_t>{0, 2, 1, 0}));
  EXPECT_EQ(dataset->test.pixels, (std::vector<uint8_t>{9, 8, 7, 6, 5, 4, 3, 2}));
  EXPECT_EQ(dataset->test.labels, (std::vector<uint8_t>{2, 1}));
  EXPECT_EQ(dataset->shape().train_images, 4);
  EXPECT_EQ(dataset->shape().classes, 3);
}

TEST_F(DatasetTest, ComputesMomentsOfTrainingPixelsScaledToUnitRange) {
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  double mean = 0;
  for (const uint8_t pixel : train_pixels_) mean += pixel / 255.0 / 16;
  double variance = 0;
  for (const uint8_t pixel : train_pixels_) variance += std::pow(pixel / 255.0 - mean, 2) / 16;
  EXPECT_NEAR(dataset->mean, mean, 1e-14);
  EXPECT_NEAR(dataset->standard_deviation, std::sqrt(variance), 1e-14);
}

TEST_F(DatasetTest, HashesTheConcatenatedUncompressedContents) {
  Sha256 hash;
  for (int file = 0; file < 4; ++file) hash.Update(ReadFile(Path(file)));
  const std::string expected = hash.HexDigest();
  EXPECT_EQ(Load()->sha256, expected);
  for (int file = 0; file < 4; ++file) {
    Compress(file);
    const absl::StatusOr<Dataset> dataset = Load();
    ASSERT_EQ(dataset.status(), absl::OkStatus()) << kFiles[file];
    EXPECT_EQ(dataset->sha256, expected) << kFiles[file];
    EXPECT_EQ(dataset->train.pixels, train_pixels_);
  }
}

TEST_F(DatasetTest, HashDependsOnLabels) {
  const std::string before = Load()->sha256;
  Write(3, {2}, {2, 0});
  EXPECT_NE(Load()->sha256, before);
}

TEST_F(DatasetTest, NamesAMissingFile) {
  for (int file = 0; file < 4; ++file) {
    const std::string bytes = ReadFile(Path(file));
    std::filesystem::remove(Path(file));
    const absl::Status status = Load().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
    EXPECT_TRUE(Mentions(status.message(), {kFiles[file]}));
    WriteFile(Path(file), bytes);
  }
}

TEST_F(DatasetTest, RejectsDifferentNumbersOfImagesAndLabels) {
  Write(1, {3}, {0, 2, 1});
  const absl::Status status = Load().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Mentions(status.message(), {kFiles[0], kFiles[1], "4", "3"}));
  SetUp();
  Write(3, {3}, {0, 2, 1});
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(DatasetTest, RejectsDifferentImageSizesOfTrainingAndTestSet) {
  Write(2, {2, 4, 1}, {9, 8, 7, 6, 5, 4, 3, 2});
  const absl::Status status = Load().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Mentions(status.message(), {"2x2", "4x1"}));
}

TEST_F(DatasetTest, RejectsATestLabelAboveTheTrainingLabels) {
  Write(3, {2}, {2, 3});
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss) << Load().status();
}

TEST_F(DatasetTest, RejectsATestLabelMissingAmongTheTrainingLabels) {
  Write(1, {4}, {0, 2, 2, 0});
  Write(3, {2}, {2, 1});
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss) << Load().status();
}

TEST_F(DatasetTest, RejectsConstantPixels) {
  Write(0, {4, 2, 2}, std::vector<uint8_t>(16, 77));
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kDataLoss) << Load().status();
}

TEST_F(DatasetTest, NamesATruncatedFile) {
  for (int file = 0; file < 4; ++file) {
    const std::string bytes = ReadFile(Path(file));
    WriteFile(Path(file), bytes.substr(0, bytes.size() - 1));
    const absl::Status status = Load().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_TRUE(Mentions(status.message(), {kFiles[file]}));
    WriteFile(Path(file), bytes);
  }
}

TEST_F(DatasetTest, GathersStandardisedImagesAndTheirLabels) {
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  const std::vector<int32_t> indices = {3, 0, 3};
  std::vector<float> images(12);
  std::vector<int64_t> labels(3);
  GatherBatch(*dataset, dataset->train, indices, images.data(), labels.data());
  EXPECT_EQ(labels, (std::vector<int64_t>{0, 0, 0}));
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < 4; ++k) {
      const double pixel = train_pixels_[static_cast<size_t>(indices[i]) * 4 + k] / 255.0;
      EXPECT_NEAR(images[4 * i + k], (pixel - dataset->mean) / dataset->standard_deviation, 1e-6);
    }
  }
}

TEST_F(DatasetTest, StandardisesTheTrainingSetToMeanZeroAndDeviationOne) {
  WriteTinyDataset(directory_.path());
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  std::vector<int32_t> all;
  for (int32_t i = 0; i < dataset->train.count(); ++i) all.push_back(i);
  const auto count = static_cast<size_t>(dataset->train.count() * dataset->pixels_per_image());
  std::vector<float> images(count);
  std::vector<int64_t> labels(all.size());
  GatherBatch(*dataset, dataset->train, all, images.data(), labels.data());
  double sum = 0;
  double squares = 0;
  for (const float value : images) {
    sum += value;
    squares += double{value} * value;
  }
  EXPECT_NEAR(sum / static_cast<double>(count), 0, 1e-6);
  EXPECT_NEAR(squares / static_cast<double>(count), 1, 1e-6);
}

TEST_F(DatasetTest, StandardisesTheTestSetByTheMomentsOfTheTrainingSet) {
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  float image[4];
  int64_t label = 0;
  GatherBatch(*dataset, dataset->test, {1}, image, &label);
  EXPECT_EQ(label, 1);
  EXPECT_NEAR(image[0], (5 / 255.0 - dataset->mean) / dataset->standard_deviation, 1e-6);
}

TEST_F(DatasetTest, BatchesIterateInOrderAndTheLastIsSmaller) {
  const absl::StatusOr<Dataset> dataset = Load();
  ASSERT_EQ(dataset.status(), absl::OkStatus());
  const std::vector<int32_t> order = {2, 0, 1};
  Batches batches(&*dataset, &dataset->train, order, 2);
  const Batch first = batches.Next();
  ASSERT_EQ(first.count, 2);
  EXPECT_EQ(first.labels[0], 1);
  EXPECT_EQ(first.labels[1], 0);
  const Batch last = batches.Next();
  ASSERT_EQ(last.count, 1);
  EXPECT_EQ(last.labels[0], 2);
  EXPECT_NEAR(last.images[0], (1 - dataset->mean) / dataset->standard_deviation, 1e-6);
  EXPECT_EQ(batches.Next().count, 0);
  EXPECT_EQ(batches.Next().count, 0);
}

}  // namespace
}  // namespace anneal::training::data
