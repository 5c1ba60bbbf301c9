// `Dataset` holds a data set in memory: greyscale images with labels, in a training and a test set.

#ifndef ANNEAL_SERVER_TRAINING_DATA_DATASET_H_
#define ANNEAL_SERVER_TRAINING_DATA_DATASET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/config/network_plan.h"

namespace anneal::training::data {

struct LabelledImages {
  std::vector<uint8_t> pixels;  // row-major [n, h, w]
  std::vector<uint8_t> labels;  // [n]
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

// Immutable once loaded; shared by all runs.
struct Dataset {
  int64_t height = 0;
  int64_t width = 0;
  int classes = 0;
  LabelledImages train;
  LabelledImages test;
  // Moments of all pixels of the training set, scaled to [0, 1].
  double mean = 0;
  double standard_deviation = 0;
  // SHA-256 of the concatenated uncompressed contents of the four files, in hexadecimal.
  std::string sha256;

  int64_t pixels_per_image() const { return height * width; }
  config::DatasetShape shape() const {
    return {.height = height, .width = width, .classes = classes, .train_images = train.count()};
  }
};

// Loads {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or gzipped with suffix .gz, from a
// directory. Blocks for the reads. Errors as ReadIdx; also DATA_LOSS if the numbers of images and
// labels differ, the image sizes of the two sets differ, the training set has one class or constant
// pixels, or a test label does not occur in the training set.
absl::StatusOr<Dataset> LoadDataset(const std::string& directory);

// Gathers a batch: writes image indices[i] of `source`, one of the dataset's two sets, standardised
// by the moments of the training set, to images[i] (row-major [n, h, w]), and its label to
// labels[i].
void GatherBatch(const Dataset& dataset, const LabelledImages& source,
                 absl::Span<const int32_t> indices, float* images, int64_t* labels);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_DATASET_H_
