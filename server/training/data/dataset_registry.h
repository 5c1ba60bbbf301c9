// The data sets that the daemon has, each loaded once and shared.

#ifndef ANNEAL_SERVER_TRAINING_DATA_DATASET_REGISTRY_H_
#define ANNEAL_SERVER_TRAINING_DATA_DATASET_REGISTRY_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/mutex.h"
#include "server/training/data/dataset.h"

namespace anneal::training::data {

// Thread-safe.
class DatasetRegistry {
 public:
  // Data set NAME is the directory ROOT/NAME of the first root that has one.
  explicit DatasetRegistry(std::vector<std::string> roots) : roots_(std::move(roots)) {}

  // Blocks for the load (up to seconds) the first time. INVALID_ARGUMENT naming `dataset.name`:
  // there is none of that name; the message lists those there are. DATA_LOSS: as LoadDataset.
  absl::StatusOr<std::shared_ptr<const Dataset>> Get(const std::string& name)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Names of the directories below the roots, sorted. Looks at the disk.
  std::vector<std::string> Names() const;

 private:
  std::string FindDirectory(absl::string_view name) const;

  const std::vector<std::string> roots_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Dataset>> loaded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_DATASET_REGISTRY_H_
