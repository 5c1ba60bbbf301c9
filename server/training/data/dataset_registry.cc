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

// Returns true for a valid name: letters, digits, - and _, so that no name leaves its root.
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
  // Held while loading, so that concurrent calls do not load the same data set twice.
  MutexLock lock(&mutex_);
  if (const auto found = loaded_.find(name); found != loaded_.end()) return found->second;
  const std::string directory = FindDirectory(name);
  if (directory.empty()) {
    return InvalidField(
        "dataset.name",
        absl::StrCat("is \"", name.substr(0, 64), "\"; available: ", absl::StrJoin(Names(), ", "),
                     " under ", absl::StrJoin(roots_, ", "),
                     " (deploy/fetch_mnist.sh fetches MNIST; Debian's package "
                     "dataset-fashion-mnist has Fashion-MNIST)"));
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
