#include "server/training/data/dataset_registry.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status.h"

namespace anneal::training::data {
namespace {

namespace fs = std::filesystem;

// Keeps names inside their root: no dots, no slashes.
bool IsDatasetName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
}

}  // namespace

std::string DatasetRegistry::FindDirectory(absl::string_view name) const {
  if (!IsDatasetName(name)) return "";
  for (const std::string& root : roots_) {
    std::string directory = absl::StrCat(root, "/", name);
    if (std::error_code ignored; fs::is_directory(directory, ignored)) return directory;
  }
  return "";
}

absl::StatusOr<std::shared_ptr<const Dataset>> DatasetRegistry::Get(const std::string& name) {
  // Held while loading: whoever asks for the same data set meanwhile would load it again.
  MutexLock lock(&mutex_);
  if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
  const std::string directory = FindDirectory(name);
  if (directory.empty()) {
    return InvalidField(
        "dataset.name",
        absl::StrCat("is \"", name.substr(0, 64), "\"; there are ", absl::StrJoin(Names(), ", "),
                     " below ", absl::StrJoin(roots_, ", "),
                     " (deploy/fetch_mnist.sh gets MNIST, Debian's dataset-fashion-mnist the "
                     "other)"));
  }
  ANNEAL_ASSIGN_OR_RETURN(Dataset dataset, LoadDataset(directory));
  auto shared = std::make_shared<const Dataset>(std::move(dataset));
  loaded_[name] = shared;
  return shared;
}

std::vector<std::string> DatasetRegistry::Names() const {
  std::set<std::string> names;
  for (const std::string& root : roots_) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(root, ignored)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_directory(ignored) && IsDatasetName(name)) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

}  // namespace anneal::training::data
