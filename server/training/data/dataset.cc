#include "server/training/data/dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/sha256.h"
#include "common/status.h"
#include "server/training/data/idx.h"
#include "server/training/vectors/vectors.h"

namespace anneal::training::data {
namespace {

constexpr int kMinClasses = 2;

// Returns the path of the plain file, or of its gzip if only that exists.
std::string FindFile(const std::string& directory, absl::string_view name) {
  std::string plain = absl::StrCat(directory, "/", name);
  std::string gzip = absl::StrCat(plain, ".gz");
  std::error_code ignored;
  return !std::filesystem::exists(plain, ignored) && std::filesystem::exists(gzip, ignored) ? gzip
                                                                                            : plain;
}

struct IdxImages {
  LabelledImages images;
  int64_t height = 0;
  int64_t width = 0;
};

void Hash(const IdxArray& array, Sha256* hash) {
  hash->Update(array.header);
  hash->Update({reinterpret_cast<const char*>(array.values.data()), array.values.size()});
}

absl::StatusOr<IdxImages> LoadIdxImages(const std::string& directory, absl::string_view prefix,
                                        Sha256* hash) {
  const std::string image_path = FindFile(directory, absl::StrCat(prefix, "-images-idx3-ubyte"));
  const std::string label_path = FindFile(directory, absl::StrCat(prefix, "-labels-idx1-ubyte"));
  ANNEAL_ASSIGN_OR_RETURN(IdxArray images, ReadIdx(image_path, /*dimensions=*/3));
  ANNEAL_ASSIGN_OR_RETURN(IdxArray labels, ReadIdx(label_path, /*dimensions=*/1));
  if (images.shape[0] != labels.shape[0]) {
    return absl::DataLossError(absl::StrCat(image_path, " has ", images.shape[0], " images, but ",
                                            label_path, " has ", labels.shape[0], " labels"));
  }
  Hash(images, hash);
  Hash(labels, hash);
  return IdxImages{
      .images = {.pixels = std::move(images.values), .labels = std::move(labels.values)},
      .height = images.shape[1],
      .width = images.shape[2]};
}

absl::Status CountClasses(const std::string& directory, Dataset* dataset) {
  std::array<bool, 256> in_training{};
  for (const uint8_t label : dataset->train.labels) {
    in_training[label] = true;
    dataset->classes = std::max(dataset->classes, label + 1);
  }
  if (dataset->classes < kMinClasses) {
    return absl::DataLossError(
        absl::StrCat(directory, ": all training labels are 0; at least two classes are needed"));
  }
  for (const uint8_t label : dataset->test.labels) {
    if (!in_training[label]) {
      return absl::DataLossError(absl::StrCat(directory, ": test label ", int{label},
                                              " does not occur in the training set"));
    }
  }
  return absl::OkStatus();
}

// Computes the moments from integer sums, which are exact: every machine gets the same ones.
absl::Status ComputeMoments(const std::string& directory, Dataset* dataset) {
  std::array<int64_t, 256> histogram{};
  for (const uint8_t pixel : dataset->train.pixels) ++histogram[pixel];
  int64_t sum = 0;
  int64_t squares = 0;
  for (int64_t value = 0; value < 256; ++value) {
    sum += value * histogram[static_cast<size_t>(value)];
    squares += value * value * histogram[static_cast<size_t>(value)];
  }
  const auto count = static_cast<double>(dataset->train.pixels.size());
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(squares) / count - mean * mean;
  if (!(variance > 0)) {
    return absl::DataLossError(
        absl::StrCat(directory, ": all training pixels have the same value"));
  }
  dataset->mean = mean / 255;
  dataset->standard_deviation = std::sqrt(variance) / 255;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Dataset> LoadDataset(const std::string& directory) {
  Sha256 hash;
  ANNEAL_ASSIGN_OR_RETURN(IdxImages train, LoadIdxImages(directory, "train", &hash));
  ANNEAL_ASSIGN_OR_RETURN(IdxImages test, LoadIdxImages(directory, "t10k", &hash));
  if (train.height != test.height || train.width != test.width) {
    return absl::DataLossError(absl::StrCat(directory, ": training images are ", train.height, "x",
                                            train.width, ", test images ", test.height, "x",
                                            test.width));
  }
  Dataset dataset{.height = train.height,
                  .width = train.width,
                  .train = std::move(train.images),
                  .test = std::move(test.images),
                  .sha256 = hash.HexDigest()};
  ANNEAL_RETURN_IF_ERROR(CountClasses(directory, &dataset));
  ANNEAL_RETURN_IF_ERROR(ComputeMoments(directory, &dataset));
  return dataset;
}

void GatherBatch(const Dataset& dataset, const LabelledImages& source,
                 absl::Span<const int32_t> indices, float* images, int64_t* labels) {
  const auto scale = static_cast<float>(1 / (255 * dataset.standard_deviation));
  const auto shift = static_cast<float>(-dataset.mean / dataset.standard_deviation);
  const int64_t size = dataset.pixels_per_image();
  // Images are gathered at random: memory latency exceeds the time to standardise one.
  constexpr size_t kPrefetchDistance = 4;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (i + kPrefetchDistance < indices.size()) {
      vectors::Prefetch(source.pixels.data() + indices[i + kPrefetchDistance] * size, size);
    }
    vectors::Standardize(source.pixels.data() + indices[i] * size, size, scale, shift,
                         images + static_cast<int64_t>(i) * size);
    labels[i] = source.labels[static_cast<size_t>(indices[i])];
  }
}

}  // namespace anneal::training::data
