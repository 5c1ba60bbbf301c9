// `CheckpointFiles` writes checkpoints atomically: after a crash at any instant a file is complete
// or absent.

#ifndef ANNEAL_SERVER_STORE_CHECKPOINT_FILES_H_
#define ANNEAL_SERVER_STORE_CHECKPOINT_FILES_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal::store {

// A checkpoint file as its row in the database describes it.
struct CheckpointFile {
  std::string name;  // relative to the directory of all checkpoints
  int64_t bytes = 0;
  std::string sha256;
};

// Thread-safe as long as only one thread at a time writes for a run. All methods block on the disk.
class CheckpointFiles {
 public:
  // Does not touch the disk; the first Write creates `directory`.
  explicit CheckpointFiles(std::string directory) : directory_(std::move(directory)) {}

  // Writes a temporary file, syncs it, renames it to `name` (RUN_DIRECTORY/FILE), and syncs the
  // directory. RESOURCE_EXHAUSTED: the disk is full. On any error the temporary file is removed
  // and other files are unchanged.
  absl::StatusOr<CheckpointFile> Write(const std::string& name, absl::string_view contents) const;

  // Returns the contents. DATA_LOSS: the file is missing, or its length or SHA-256 differ.
  // UNAVAILABLE: it cannot be read at present.
  absl::StatusOr<std::string> Read(const CheckpointFile& file) const;

  // Opens the file for streaming from its beginning, after the checks of Read. It is never in
  // memory as a whole, and can be read to its end even if it is removed meanwhile.
  absl::StatusOr<std::ifstream> Open(const CheckpointFile& file) const;

  // Removes all files of a run's directory but the named ones, and the directory if it is then
  // empty. Files that cannot be removed stay; the next call tries again.
  void Sweep(const std::string& run_directory, const std::vector<std::string>& keep) const;

  // Removes a file, and its directory if it is then empty. A file that cannot be removed stays.
  void Remove(const CheckpointFile& file) const;

  // Removes an experiment's directory recursively. Files that cannot be removed stay.
  void RemoveAll(const std::string& experiment_id) const;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

 private:
  const std::string directory_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CHECKPOINT_FILES_H_
