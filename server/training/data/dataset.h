// A data set in memory: grey images and their labels, in a training and a test part.

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
  std::vector<uint8_t> pixels;  // count x height x width
  std::vector<uint8_t> labels;  // count
  int64_t count() const { return static_cast<int64_t>(labels.size()); }
};

// Immutable once loaded; shared by all runs.
struct Dataset {
  int64_t height = 0;
  int64_t width = 0;
  int classes = 0;
  LabelledImages train;
  LabelledImages test;
  // Of all pixels of the training part, on the scale 0..1.
  double mean = 0;
  double standard_deviation = 0;
  // SHA-256 of the uncompressed contents of the four files, one after the other, hexadecimal.
  std::string sha256;

  int64_t pixels_per_image() const { return height * width; }
  config::DatasetShape shape() const {
    return {.height = height, .width = width, .classes = classes, .train_images = train.count()};
  }
};

// Reads {train,t10k}-{images-idx3,labels-idx1}-ubyte, each plain or with .gz, from a directory.
// Errors as ReadIdx; DATA_LOSS too when images and labels differ in number, the parts in image
// size, or a label of the test part does not occur in training.
absl::StatusOr<Dataset> LoadDataset(const std::string& directory);

// Writes image `indices[i]`, standardised to mean 0 and deviation 1 of the training part, to
// images[i] (row-major height x width), and its label to labels[i].
void GatherBatch(const Dataset& dataset, const LabelledImages& part,
                 absl::Span<const int32_t> indices, float* images, int64_t* labels);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_DATASET_H_
