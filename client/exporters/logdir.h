// `Logdir` writes a TensorBoard log directory and keeps it up to date with its runs.

#ifndef ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_
#define ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/connection.h"
#include "client/exporters/event.pb.h"

namespace anneal::client::exporters {

// Holds one event file per run, in EXPERIMENT/RUN. The first update of a run replaces a file that
// exists. Not thread-safe.
class Logdir {
 public:
  // `fields` are the config fields shown as hyperparameters.
  Logdir(std::string directory, std::vector<std::string> fields)
      : directory_(std::move(directory)), fields_(std::move(fields)) {}

  // Appends the epochs recorded since the last update and, once the run has ended, its test
  // results. `run` includes its config. Errors: those of the calls and of the file operations.
  absl::Status Update(Connection* connection, const v1::Run& run);

  int64_t epochs() const { return epochs_; }

 private:
  struct File {
    std::ofstream stream;
    std::string path;
    int epoch = 0;  // last epoch written
    bool ended = false;
    int began_with = 0;  // the attempt that last began anew; 0: none
  };
  absl::StatusOr<File*> Open(Connection* connection, const v1::Run& run);
  // Returns the name of the run's arm, a session group of TensorBoard.
  absl::StatusOr<std::string> ArmOf(Connection* connection, const v1::Run& run);
  static absl::Status Write(const tensorboard::Event& event, File* file);
  absl::Status WriteEpochs(Connection* connection, const v1::Run& run, File* file);

  const std::string directory_;
  const std::vector<std::string> fields_;
  std::map<std::string, File> files_;        // by the run's name
  std::map<std::string, std::string> arms_;  // by the run's name
  int64_t epochs_ = 0;
};

// Returns the fields to show as hyperparameters: theta.policy, optimizer.learning_rate and every
// scalar field that differs between the runs. Pure.
std::vector<std::string> Hyperparameters(const std::vector<v1::Run>& runs);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_
