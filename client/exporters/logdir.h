// TensorBoard's log directories, kept up to date with runs.

#ifndef ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_
#define ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/connection.h"
#include "tensorboard/event.pb.h"

namespace anneal::client::exporters {

// Has a directory EXPERIMENT/RUN with one event file for each run. What was there of a run is
// written anew when the run is first met. Not thread-safe.
class Logdir {
 public:
  // `fields` of the config are shown as hyperparameters.
  Logdir(std::string directory, std::vector<std::string> fields)
      : directory_(std::move(directory)), fields_(std::move(fields)) {}

  // Writes what is new of the run: epochs, and, once it has ended, its results. `run` has its
  // config. Errors of calls, and of the system for files.
  absl::Status Update(Connection* connection, const v1::Run& run);

  int64_t epochs() const { return epochs_; }

 private:
  struct File {
    std::ofstream stream;
    std::string path;
    int epoch = 0;  // the last one written
    bool ended = false;
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

// What is shown as hyperparameters of the runs: theta's policy, the learning rate, and every single
// value of the config that is not the same in all of them. Pure.
std::vector<std::string> Hyperparameters(const std::vector<v1::Run>& runs);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_LOGDIR_H_
