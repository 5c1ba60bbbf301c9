// `Editor` changes stored experiments and runs: annotations, deletion, purging.

#ifndef ANNEAL_SERVER_EXPERIMENTS_EDITOR_H_
#define ANNEAL_SERVER_EXPERIMENTS_EDITOR_H_

#include <string>

#include "absl/status/status.h"
#include "anneal/v1/services.pb.h"
#include "common/wall_clock.h"
#include "server/scheduling/dispatcher.h"
#include "server/store/checkpoint_files.h"
#include "server/store/store.h"

namespace anneal::experiments {

// Thread-safe. Every method blocks on the disk, and behaves as services.proto documents the method
// of ExperimentService, or of RunService, with its name.
class Editor {
 public:
  // Borrows all pointers.
  Editor(store::Store* store, const store::CheckpointFiles* checkpoints,
         scheduling::Dispatcher* dispatcher, WallClock clock);

  absl::Status Update(const v1::UpdateExperimentRequest& request);
  absl::Status UpdateRun(const v1::UpdateRunRequest& request);
  absl::Status Delete(const std::string& experiment_id, bool force);
  absl::Status Undelete(const std::string& experiment_id);
  absl::Status Purge(const std::string& experiment_id);

 private:
  store::Store* const store_;
  const store::CheckpointFiles* const checkpoints_;
  scheduling::Dispatcher* const dispatcher_;
  const WallClock clock_;
};

}  // namespace anneal::experiments

#endif  // ANNEAL_SERVER_EXPERIMENTS_EDITOR_H_
