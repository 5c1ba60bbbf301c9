// The daemon as the commands see it: plain calls that return StatusOr.

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
#include "anneal/client/config.pb.h"
#include "anneal/v1/services.grpc.pb.h"

namespace anneal::client {

struct ConnectionOptions {
  // Of a call; streams are not limited.
  std::chrono::milliseconds deadline = std::chrono::seconds(30);
  // Told of every call: its name, what came of it, how long it took. Null: nobody.
  std::function<void(const std::string&)> trace;
};

// Thread-safe. Calls block, at most 30 s unless told otherwise; streams as long as they last.
// Errors carry the daemon's message; UNAVAILABLE names the address and what to do.
class Connection {
 public:
  // Does not connect yet. Errors: those of CheckContext, and FAILED_PRECONDITION naming a file that
  // cannot be read.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const Context& context,
                                                          ConnectionOptions options = {});

  const std::string& server() const { return server_; }

  absl::StatusOr<v1::Experiment> Create(const v1::CreateExperimentRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& name);
  absl::StatusOr<v1::Run> GetRun(const std::string& name);
  // Each takes the name of an experiment or of a run.
  absl::Status Cancel(const std::string& name);
  absl::Status Pause(const std::string& name);
  absl::Status Resume(const std::string& name);
  absl::Status Retry(const std::string& name);
  // Each takes the name of an experiment.
  absl::StatusOr<v1::Experiment> Update(const v1::UpdateExperimentRequest& request);
  absl::Status Delete(const std::string& name, bool force);
  absl::Status Undelete(const std::string& name);
  absl::Status Purge(const std::string& name);
  absl::StatusOr<v1::Run> Extend(const std::string& run, int epochs);
  absl::StatusOr<v1::ListCheckpointsResponse> ListCheckpoints(const std::string& run);
  // Hands on the contents piece by piece, and returns what they are of. Not limited in time.
  absl::StatusOr<v1::CheckpointInfo> DownloadCheckpoint(
      const v1::DownloadCheckpointRequest& request,
      const std::function<absl::Status(const std::string&)>& on_contents);
  absl::StatusOr<v1::CompareExperimentsResponse> Compare(
      const v1::CompareExperimentsRequest& request);
  absl::StatusOr<v1::ListPresetsResponse> ListPresets();
  absl::StatusOr<v1::Preset> GetPreset(const std::string& name);
  absl::StatusOr<v1::ServerInfo> GetServerInfo();
  // Hands on a copy of the database piece by piece. Not limited in time. DATA_LOSS: what came is
  // not what was sent.
  absl::Status BackUpDatabase(const std::function<absl::Status(const std::string&)>& on_contents);

  // All pages, up to `limit` entries; 0: no limit.
  absl::StatusOr<std::vector<v1::Experiment>> ListExperiments(v1::ListExperimentsRequest request,
                                                              int limit);
  absl::StatusOr<std::vector<v1::Run>> ListRuns(v1::ListRunsRequest request, int limit);
  absl::StatusOr<std::vector<v1::QueuedRun>> ListQueue(int limit);
  absl::StatusOr<std::vector<v1::Epoch>> ListEpochs(const std::string& run, int limit);
  absl::StatusOr<std::vector<v1::ThetaVector>> ListThetas(v1::ListThetasRequest request, int limit);

  // Hands on events until the stream ends, `context` is cancelled or `on_event` returns false.
  absl::Status Watch(grpc::ClientContext* context, const v1::WatchExperimentRequest& request,
                     const std::function<bool(const v1::Event&)>& on_event);

 private:
  Connection(const Context& context, std::shared_ptr<grpc::Channel> channel,
             ConnectionOptions options);

  // `call` is its name, for the trace.
  absl::Status FromGrpc(absl::string_view call, const grpc::ClientContext& context,
                        const grpc::Status& status, absl::Time begin) const;
  // What to say of a server that does not know a call.
  std::string NotOurs(absl::string_view call) const;

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub* stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const;
  // Calls the method of the experiment's or of the run's service, as the name says.
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

// Whether trying again later may help: a daemon that goes away says so (UNAVAILABLE), cancels what
// it cannot finish in time, or says nothing at all.
bool IsLostConnection(const absl::Status& status);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_CONNECTION_H_
