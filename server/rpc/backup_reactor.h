// ServerService.BackUpDatabase: one call.

#ifndef ANNEAL_SERVER_RPC_BACKUP_REACTOR_H_
#define ANNEAL_SERVER_RPC_BACKUP_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <fstream>

#include "absl/status/status.h"
#include "anneal/v1/services.pb.h"
#include "common/sha256.h"
#include "server/rpc/services.h"

namespace anneal::rpc {

// Makes the copy and reads it on the pool. One write is under way from Begin to the end; then the
// call finishes, and the reactor deletes itself. The copy has no name any more when it is sent: it
// goes with the reactor.
class BackupReactor final : public grpc::ServerWriteReactor<v1::BackUpDatabaseResponse> {
 public:
  // `is_busy` lives as long as the services, and is true while a backup is made or sent.
  static BackupReactor* Start(grpc::CallbackServerContext* context, const Services& services,
                              std::atomic<bool>* is_busy);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  BackupReactor(const Services& services, std::atomic<bool>* is_busy)
      : services_(services), is_busy_(is_busy) {}

  // On the pool.
  void Begin(const grpc::CallbackServerContext& context);
  absl::Status MakeCopy(const grpc::CallbackServerContext& context);
  void WriteNext();

  const Services& services_;
  std::atomic<bool>* const is_busy_;
  bool owns_busy_ = false;
  std::ifstream copy_;
  int64_t left_ = 0;  // bytes to be read
  Sha256 hash_;
  bool is_last_ = false;  // the message in flight
  v1::BackUpDatabaseResponse in_flight_;
};

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_BACKUP_REACTOR_H_
