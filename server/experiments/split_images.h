// `SplitImages` lists the images that a run trains and validates on.

#ifndef ANNEAL_SERVER_EXPERIMENTS_SPLIT_IMAGES_H_
#define ANNEAL_SERVER_EXPERIMENTS_SPLIT_IMAGES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "common/resource_name.h"
#include "server/store/store.h"
#include "server/training/data/dataset_registry.h"

namespace anneal::experiments {

// Thread-safe.
class SplitImages {
 public:
  // Borrows all pointers.
  SplitImages(store::Store* store, training::data::DatasetRegistry* datasets)
      : store_(store), datasets_(datasets) {}

  // Returns the indices of the images of a part of a run's split, as RunService.ListSplitImages
  // documents; `epoch` is for PART_EPOCH. Blocks on the disk, and while the data set is loaded.
  absl::StatusOr<std::vector<int32_t>> List(const RunName& name,
                                            v1::ListSplitImagesRequest::Part part, int32_t epoch);

 private:
  store::Store* const store_;
  training::data::DatasetRegistry* const datasets_;
};

}  // namespace anneal::experiments

#endif  // ANNEAL_SERVER_EXPERIMENTS_SPLIT_IMAGES_H_
