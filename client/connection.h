// `Connection` is the gRPC client of the commands: one method per call, each returning StatusOr.

#ifndef ANNEAL_CLIENT_CONNECTION_H_
#define ANNEAL_CLIENT_CONNECTION_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "anneal/v1/services.grpc.pb.h"
#include "client/config.pb.h"

namespace anneal::client {

struct ConnectionOptions {
  // Deadline of a unary call; streams have none.
  std::chrono::milliseconds deadline = std::chrono::seconds(30);
  // Receives one line per call: its name, its status and its duration. Null: no trace.
  std::function<void(const std::string&)> trace;
};

// Thread-safe. Unary calls block until the deadline, 30 s by default; streams block until they end.
// Errors carry the daemon's message, in the terms of the command line; UNAVAILABLE names the
// address and the remedy.
class Connection {
 public:
  // Creates the channel without connecting. Errors: those of CheckContext, and FAILED_PRECONDITION
  // naming a file that cannot be read.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Context& context,
                                                          ConnectionOptions options = {});

  const std::string& server() const { return server_; }

  absl::StatusOr<v1::Experiment> Create(const v1::CreateExperimentRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& name);
  // With the values of `metrics`, as GetRunRequest takes them.
  absl::StatusOr<v1::Run> GetRun(const std::string& name,
                                 const std::vector<std::string>& metrics = {});
  // These take the name of an experiment or a run.
  absl::Status Cancel(const std::string& name);
  absl::Status Pause(const std::string& name);
  absl::Status Resume(const std::string& name);
  absl::Status Retry(const std::string& name);
  // These take the name of an experiment.
  absl::StatusOr<v1::Experiment> Update(const v1::UpdateExperimentRequest& request);
  absl::Status Delete(const std::string& name, bool force);
  absl::Status Undelete(const std::string& name);
  absl::Status Purge(const std::string& name);
  absl::StatusOr<v1::Run> UpdateRun(const v1::UpdateRunRequest& request);
  absl::StatusOr<v1::Run> Extend(const std::string& run, int epochs);
  absl::StatusOr<v1::ListCheckpointsResponse> ListCheckpoints(const std::string& run);
  // Passes the file's contents to `on_contents` in chunks and returns the checkpoint's description.
  // No deadline.
  absl::StatusOr<v1::CheckpointInfo> DownloadCheckpoint(
      const v1::DownloadCheckpointRequest& request,
      const std::function<absl::Status(const std::string&)>& on_contents);
  absl::StatusOr<v1::CompareExperimentsResponse> Compare(
      const v1::CompareExperimentsRequest& request);
  absl::StatusOr<v1::ListPresetsResponse> ListPresets();
  absl::StatusOr<v1::Preset> GetPreset(const std::string& name);
  absl::StatusOr<v1::ServerInfo> GetServerInfo();
  // Passes a copy of the database to `on_contents` in chunks. No deadline. DATA_LOSS: the received
  // bytes do not match their SHA-256.
  absl::Status BackUpDatabase(const std::function<absl::Status(const std::string&)>& on_contents);

  // These fetch all pages, up to `limit` entries; 0: no limit.
  absl::StatusOr<std::vector<v1::Experiment>> ListExperiments(v1::ListExperimentsRequest request,
                                                              int limit);
  absl::StatusOr<std::vector<v1::Run>> ListRuns(v1::ListRunsRequest request, int limit);
  absl::StatusOr<std::vector<v1::QueuedRun>> ListQueue(int limit);
  // Attempt 0: the epochs that count (ListEpochsRequest.attempt).
  absl::StatusOr<std::vector<v1::Epoch>> ListEpochs(const std::string& run, int limit,
                                                    int attempt = 0);
  absl::StatusOr<std::vector<v1::ThetaVector>> ListThetas(v1::ListThetasRequest request, int limit);
  // Fetches all images of a part.
  absl::StatusOr<std::vector<int32_t>> ListSplitImages(v1::ListSplitImagesRequest request);

  // Passes events to `on_event` until the stream ends, `context` is cancelled or `on_event` returns
  // false.
  absl::Status Watch(grpc::ClientContext* context, const v1::WatchExperimentRequest& request,
                     const std::function<bool(const v1::Event&)>& on_event);

 private:
  Connection(const Context& context, std::shared_ptr<grpc::Channel> channel,
             ConnectionOptions options);

  // Converts the status of the call named `call`, and traces it.
  absl::Status FromGrpc(absl::string_view call, const grpc::ClientContext& context,
                        const grpc::Status& status, absl::Time begin) const;
  // Returns the error message for a server that does not implement `call`.
  std::string UnimplementedMessage(absl::string_view call) const;

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub* stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const;
  // Calls the method of ExperimentService or of RunService, depending on `name`.
  template <typename ForExperiment, typename ForRun, typename ExperimentMethod, typename RunMethod>
  absl::Status Change(const std::string& name, ExperimentMethod experiment_method,
                      RunMethod run_method) const;
  template <typename Item, typename Request, typename Fetch>
  absl::StatusOr<std::vector<Item>> AllPages(Request request, int limit, Fetch fetch) const;

  const std::string server_;
  const ConnectionOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ExperimentService::Stub> experiments_;
  const std::unique_ptr<v1::RunService::Stub> runs_;
  const std::unique_ptr<v1::PresetService::Stub> presets_;
  const std::unique_ptr<v1::ServerService::Stub> server_info_;
};

// Returns true if a retry may succeed: the daemon is stopping (UNAVAILABLE), cancelled a call that
// it could not finish in time, or stopped responding.
bool IsLostConnection(const absl::Status& status);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_CONNECTION_H_
