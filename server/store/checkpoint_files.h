// Checkpoint files: written so that after a crash at any instant a file is whole or absent.

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

// A file, as the database remembers it.
struct CheckpointFile {
  std::string name;  // relative to the directory of all checkpoints
  int64_t bytes = 0;
  std::string sha256;
};

// Thread-safe, as long as one thread at a time writes for a run. Everything blocks on the disk.
class CheckpointFiles {
 public:
  // `directory` is created with the first file.
  explicit CheckpointFiles(std::string directory) : directory_(std::move(directory)) {}

  // Writes a temporary file, syncs it, renames it to `name` (RUN_DIRECTORY/FILE), and syncs the
  // directory. RESOURCE_EXHAUSTED when the disk is full; after any error the temporary file is gone
  // and other files are as they were.
  absl::StatusOr<CheckpointFile> Write(const std::string& name, absl::string_view contents) const;

  // DATA_LOSS when it is missing, or not what was written. UNAVAILABLE when it cannot be read now.
  absl::StatusOr<std::string> Read(const CheckpointFile& file) const;

  // The file, checked as Read does and at its begin, for those who send it on: it is never in
  // memory as a whole, and it can be read to its end even if it is removed in between.
  absl::StatusOr<std::ifstream> Open(const CheckpointFile& file) const;

  // Removes all files of a run's directory but those named, and the directory if none is left. What
  // cannot be removed stays: it is tried again the next time.
  void Sweep(const std::string& run_directory, const std::vector<std::string>& keep) const;

  // Removes one file, and its directory if none is left there. What cannot be removed stays.
  void Remove(const CheckpointFile& file) const;

  // Removes an experiment's directory with all in it. What cannot be removed stays.
  void RemoveAll(const std::string& experiment_id) const;

  std::string path(const std::string& name) const { return directory_ + "/" + name; }

 private:
  const std::string directory_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_CHECKPOINT_FILES_H_
