// ServerService.BackUpDatabase: one call.

#ifndef ANNEAL_SERVER_API_BACKUP_REACTOR_H_
#define ANNEAL_SERVER_API_BACKUP_REACTOR_H_

#include <grpcpp/grpcpp.h>

#include <fstream>

#include "absl/status/status.h"
#include "anneal/v1/services.pb.h"
#include "common/sha256.h"
#include "server/api/services.h"

namespace anneal::api {

// Makes the copy and reads it on the pool. One write is under way from Begin to the end; then the
// call finishes, and the reactor deletes itself. The copy has no name any more when it is sent: it
// goes with the reactor.
class BackupReactor final : public grpc::ServerWriteReactor<v1::BackUpDatabaseResponse> {
 public:
  static BackupReactor* Start(grpc::CallbackServerContext* context,
                              const v1::BackUpDatabaseRequest& request, const Services& services);

  void OnWriteDone(bool ok) override;
  void OnDone() override;

 private:
  BackupReactor(grpc::CallbackServerContext* context, const v1::BackUpDatabaseRequest& request,
                const Services& services)
      : context_(context), request_(request), services_(services) {}

  // On the pool.
  void Begin();
  absl::Status MakeCopy();
  void WriteNext();

  grpc::CallbackServerContext* const context_;
  const v1::BackUpDatabaseRequest request_;
  const Services& services_;
  bool is_the_one_ = false;  // others are refused while it lasts
  std::ifstream copy_;
  int64_t left_ = 0;  // bytes to be read
  Sha256 hash_;
  bool is_last_ = false;  // the message in flight
  v1::BackUpDatabaseResponse in_flight_;
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_BACKUP_REACTOR_H_
