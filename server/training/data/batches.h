// `Batches` iterates over a list of images in batches. Not thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_DATA_BATCHES_H_
#define ANNEAL_SERVER_TRAINING_DATA_BATCHES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "server/training/data/dataset.h"

namespace anneal::training::data {

// Standardised images, row-major [n, h, w], and their labels, [n]. Borrowed pointers.
struct Batch {
  const float* images = nullptr;
  const int64_t* labels = nullptr;
  int64_t count = 0;
};

class Batches {
 public:
  // Iterates over the images `indices` of `source`, one of the dataset's two sets. All are borrowed
  // and must outlive this object.
  Batches(const Dataset* dataset, const LabelledImages* source, absl::Span<const int32_t> indices,
          int64_t batch_size)
      : dataset_(dataset),
        source_(source),
        indices_(indices),
        batch_size_(static_cast<size_t>(batch_size)),
        images_(batch_size_ * static_cast<size_t>(dataset->pixels_per_image())),
        labels_(batch_size_) {}

  // Returns the next batch, valid until the next call. The last batch may be smaller; after it,
  // count is 0.
  Batch Next() {
    const auto some = indices_.subspan(next_, batch_size_);
    next_ += some.size();
    GatherBatch(*dataset_, *source_, some, images_.data(), labels_.data());
    return {.images = images_.data(),
            .labels = labels_.data(),
            .count = static_cast<int64_t>(some.size())};
  }

 private:
  const Dataset* const dataset_;
  const LabelledImages* const source_;
  const absl::Span<const int32_t> indices_;
  const size_t batch_size_;
  size_t next_ = 0;
  std::vector<float> images_;
  std::vector<int64_t> labels_;
};

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_BATCHES_H_
