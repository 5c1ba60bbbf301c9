// `BackupReactor` serves one ServerService.BackUpDatabase call: it copies the database and streams
// the copy.

#ifndef ANNEAL_SERVER_API_BACKUP_REACTOR_H_
#define ANNEAL_SERVER_API_BACKUP_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <fstream>

#include "absl/status/status.h"
#include "anneal/v1/services.pb.h"
#include "common/sha256.h"
#include "server/api/authorization.h"
#include "server/api/blocking_pool.h"
#include "server/store/store.h"

namespace anneal::api {

// Deletes itself when the call is done. Copies and reads on the blocking pool; at most one write is
// in flight. The copy is unlinked before it is sent, so that it ends with the reactor.
class BackupReactor final : public grpc::ServerWriteReactor<v1::BackUpDatabaseResponse> {
 public:
  // All borrowed, until OnDone.
  struct Dependencies {
    const Authorization* authorization = nullptr;
    BlockingPool* pool = nullptr;
    store::Store* store = nullptr;
    std::atomic<bool>* in_progress = nullptr;  // shared by all calls: one backup at a time
  };

  // Returns the reactor for gRPC.
  static BackupReactor* Start(grpc::CallbackServerContext* context,
                              const v1::BackUpDatabaseRequest& request,
                              const Dependencies& dependencies);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  BackupReactor(grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest& request,
                const Dependencies& dependencies)
      : context_(context), request_(request), dependencies_(dependencies) {}

  // These run on the pool.
  void Begin();
  absl::Status MakeCopy();
  void WriteNext();

  grpc::CallbackServerContext* const context_;
  const v1::BackUpDatabaseRequest request_;
  const Dependencies dependencies_;
  bool has_claim_ = false;  // set `in_progress`, and clears it in OnDone
  std::ifstream copy_;
  int64_t left_ = 0;  // bytes not yet read
  Sha256 hash_;
  bool is_last_ = false;  // of the message in flight
  v1::BackUpDatabaseResponse in_flight_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_BACKUP_REACTOR_H_
