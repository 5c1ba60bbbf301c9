// `DatasetRegistry` loads each data set once and shares it among runs.

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
  // Data set NAME is the directory ROOT/NAME under the first of the roots that has it.
  explicit DatasetRegistry(std::vector<std::string> roots) : roots_(std::move(roots)) {}

  // Returns a data set. The first call for a name blocks while it is loaded, up to seconds, and
  // blocks other calls meanwhile. INVALID_ARGUMENT naming `dataset.name` if there is no data set of
  // that name; the message lists the available ones. Other errors as LoadDataset; they are not
  // cached.
  absl::StatusOr<std::shared_ptr<const Dataset>> Get(const std::string& name)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns the sorted names of the directories under the roots. Reads the file system.
  std::vector<std::string> Names() const;

 private:
  std::string FindDirectory(absl::string_view name) const;

  const std::vector<std::string> roots_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Dataset>> loaded_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_DATASET_REGISTRY_H_
