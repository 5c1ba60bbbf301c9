// RunService.DownloadCheckpoint: one call.

#ifndef ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_
#define ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <fstream>

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "server/api/services.h"

namespace anneal::api {

// The checkpoints of a run, the latest first. NOT_FOUND.
absl::StatusOr<v1::ListCheckpointsResponse> CheckpointsOf(
    const Services& services, const v1::ListCheckpointsRequest& request);

// One write is under way from Begin to the end; then the call finishes, and the reactor deletes
// itself.
class DownloadReactor final : public grpc::ServerWriteReactor<v1::DownloadCheckpointResponse> {
 public:
  static DownloadReactor* Start(grpc::CallbackServerContext* context,
                                const v1::DownloadCheckpointRequest& request,
                                const Services& services);

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  DownloadReactor(const v1::DownloadCheckpointRequest& request, const Services& services)
      : request_(request), services_(services) {}

  // On the pool: opens the file, and writes the first message; then a piece of the file.
  void Begin(const grpc::CallbackServerContext& context);
  absl::Status Open(const grpc::CallbackServerContext& context);
  void WriteNext();

  const v1::DownloadCheckpointRequest request_;
  const Services services_;
  std::ifstream file_;
  int64_t left_ = 0;  // bytes to be read
  v1::DownloadCheckpointResponse in_flight_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_DOWNLOAD_REACTOR_H_
