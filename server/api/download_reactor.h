// `DownloadReactor` serves one RunService.DownloadCheckpoint call; `CheckpointsOf` lists a run's
// checkpoints.

#ifndef ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_
#define ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <fstream>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "server/api/authorization.h"
#include "server/api/blocking_pool.h"
#include "server/store/checkpoint_files.h"
#include "server/store/store.h"

namespace anneal::api {

// Returns the checkpoints of a run, the latest first. NOT_FOUND. Blocks on the disk.
absl::StatusOr<v1::ListCheckpointsResponse> CheckpointsOf(
    store::Store* store, const v1::ListCheckpointsRequest& request);

// Deletes itself when the call is done. Reads on the blocking pool; at most one write is in flight.
class DownloadReactor final : public grpc::ServerWriteReactor<v1::DownloadCheckpointResponse> {
 public:
  // All borrowed, until OnDone.
  struct Dependencies {
    const Authorization* authorization = nullptr;
    BlockingPool* pool = nullptr;
    store::Store* store = nullptr;
    const store::CheckpointFiles* checkpoints = nullptr;
  };

  // Returns the reactor for gRPC.
  static DownloadReactor* Start(grpc::CallbackServerContext* context,
                                const v1::DownloadCheckpointRequest& request,
                                const Dependencies& dependencies);

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  DownloadReactor(const v1::DownloadCheckpointRequest& request, const Dependencies& dependencies)
      : request_(request), dependencies_(dependencies) {}

  // These run on the pool. Begin opens the file and writes the first message, WriteNext a piece.
  void Begin(const grpc::CallbackServerContext& context);
  absl::Status Open(const grpc::CallbackServerContext& context);
  void WriteNext();

  const v1::DownloadCheckpointRequest request_;
  const Dependencies dependencies_;
  std::ifstream file_;
  int64_t left_ = 0;  // bytes not yet read
  v1::DownloadCheckpointResponse in_flight_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_
