#include "client/exporters/logdir.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/exporters/fields.h"
#include "client/exporters/output_file.h"
#include "client/exporters/tensorboard.h"
#include "client/exporters/tfrecord.h"
#include "client/named_runs.h"
#include "common/resource_name.h"
#include "common/run_state.h"
#include "common/status.h"
#include "google/protobuf/util/time_util.h"

namespace anneal::client::exporters {
namespace {

// Returns the number of the attempt that last began anew; 0 if none did.
int LastBeginning(const v1::Run& run) {
  int last = 0;
  for (const v1::Attempt& attempt : run.attempt_log()) {
    if (attempt.starts_over()) last = attempt.number();
  }
  return last;
}

}  // namespace

absl::Status Logdir::Update(Connection* connection, const v1::Run& run) {
  ANNEAL_ASSIGN_OR_RETURN(File * file, Open(connection, run));
  if (run.epochs_done() > file->epoch) {
    ANNEAL_RETURN_IF_ERROR(WriteEpochs(connection, run, file));
  }
  if (IsFinal(run.state()) && !file->ended) {
    for (const tensorboard::Event& event : EndEvents(run)) {
      ANNEAL_RETURN_IF_ERROR(Write(event, file));
    }
    file->ended = true;
  }
  file->stream.flush();
  return absl::OkStatus();
}

absl::StatusOr<std::string> Logdir::ArmOf(Connection* connection, const v1::Run& run) {
  if (!arms_.contains(run.name())) {
    v1::CompareExperimentsRequest request;
    request.add_names(ExperimentOf(run));
    ANNEAL_ASSIGN_OR_RETURN(const auto comparison, connection->Compare(request));
    arms_.merge(ArmNames(comparison));
  }
  const auto found = arms_.find(run.name());
  if (found == arms_.end()) return NoArmError(run);
  return found->second;
}

absl::StatusOr<Logdir::File*> Logdir::Open(Connection* connection, const v1::Run& run) {
  const auto opened = files_.find(run.name());
  if (opened != files_.end()) {
    if (opened->second.began_with == LastBeginning(run)) return &opened->second;
    // The epochs written so far no longer count.
    files_.erase(opened);
  }
  ANNEAL_ASSIGN_OR_RETURN(const std::string arm, ArmOf(connection, run));
  File& file = files_[run.name()];
  file.began_with = LastBeginning(run);
  const std::string name = ShortenName(run.name());
  const std::string directory = absl::StrCat(directory_, "/", name);
  ANNEAL_RETURN_IF_ERROR(MakeDirectory("--logdir", directory));
  // TensorBoard reads files with ".tfevents." in their names.
  file.path = absl::StrCat(directory, "/events.out.tfevents.",
                           google::protobuf::util::TimeUtil::TimestampToSeconds(run.create_time()),
                           ".anneal");
  file.stream.open(file.path, std::ios::binary | std::ios::trunc);
  ANNEAL_RETURN_IF_ERROR(Write(FileVersion(run), &file));
  ANNEAL_RETURN_IF_ERROR(Write(SessionStart(run, fields_, arm), &file));
  return &file;
}

absl::Status Logdir::Write(const tensorboard::Event& event, File* file) {
  const std::string record = TfRecord(event.SerializeAsString());
  file->stream.write(record.data(), static_cast<std::streamsize>(record.size()));
  if (file->stream) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", file->path));
}

absl::Status Logdir::WriteEpochs(Connection* connection, const v1::Run& run, File* file) {
  ANNEAL_ASSIGN_OR_RETURN(const auto epochs, connection->ListEpochs(run.name(), /*limit=*/0));
  std::map<int, std::vector<v1::ThetaVector>> thetas;
  // A single theta is the scalar theta/mean.
  if (run.last_epoch().theta().count() > 1) {
    v1::ListThetasRequest request;
    request.set_parent(run.name());
    if (run.epochs_done() == file->epoch + 1) request.set_epoch(run.epochs_done());
    ANNEAL_ASSIGN_OR_RETURN(auto listed, connection->ListThetas(request, /*limit=*/0));
    for (v1::ThetaVector& theta : listed) thetas[theta.epoch()].push_back(std::move(theta));
  }
  for (const v1::Epoch& epoch : epochs) {
    // Later epochs are written together with their thetas.
    if (epoch.epoch() <= file->epoch || epoch.epoch() > run.epochs_done()) continue;
    ANNEAL_RETURN_IF_ERROR(Write(EpochEvent(run, epoch, thetas[epoch.epoch()]), file));
    file->epoch = epoch.epoch();
    ++epochs_;
  }
  return absl::OkStatus();
}

std::vector<std::string> Hyperparameters(const std::vector<v1::Run>& runs) {
  std::vector<const v1::TrainingConfig*> configs;
  for (const v1::Run& run : runs) configs.push_back(&run.config());
  const std::vector<std::string> differing = DifferingFields(configs);
  std::set<std::string> shown(differing.begin(), differing.end());
  shown.insert({"theta.policy", "optimizer.learning_rate"});
  std::vector<std::string> fields = ScalarFields();
  std::erase_if(fields, [&shown](const std::string& field) { return !shown.contains(field); });
  return fields;
}

}  // namespace anneal::client::exporters
