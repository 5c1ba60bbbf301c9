// `HealthService` serves grpc.health.v1 for one gRPC server: for the server as a whole, by the
// empty name, and for each of its services, by its full name. gRPC's own service has no descriptor
// for server reflection, ends the stream of each watcher that leaves with UNKNOWN, and lets streams
// of watchers delay the end of the server.

#ifndef ANNEAL_SERVER_TRANSPORT_HEALTH_H_
#define ANNEAL_SERVER_TRANSPORT_HEALTH_H_

#include <grpcpp/grpcpp.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace anneal::transport {

// Thread-safe, once `AddTo` has returned. Reports NOT_SERVING until SetServing.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  using Request = grpc::health::v1::HealthCheckRequest;
  using Response = grpc::health::v1::HealthCheckResponse;

  // Registers this service with the server that `builder` will start, which must not outlive it.
  void AddTo(grpc::ServerBuilder* builder);

  // Reports SERVING or NOT_SERVING for all names, and tells watchers.
  void SetServing(bool serving) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the streams of watchers with UNAVAILABLE, after the last status. Reports NOT_SERVING from
  // now on. Does not wait.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  // NOT_FOUND: the server has no service of that name.
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const Request* request,
                                  Response* response) override ABSL_LOCKS_EXCLUDED(mutex_);
  // Begins with SERVICE_UNKNOWN if the server has no service of that name.
  grpc::ServerWriteReactor<Response>* Watch(grpc::CallbackServerContext* context,
                                            const Request* request) override
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  class Watcher;

  Response::ServingStatus StatusOf(const std::string& service) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Makes each watcher send its status if it has changed.
  void Notify() ABSL_LOCKS_EXCLUDED(mutex_);

  // Full names of the server's services, such as anneal.v1.RunService. Owned by the server; does
  // not change while it serves.
  const std::vector<std::string>* services_ = nullptr;

  Mutex mutex_;
  bool serving_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Each until its OnDone.
  std::map<Watcher*, std::shared_ptr<Watcher>> watchers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::transport

#endif  // ANNEAL_SERVER_TRANSPORT_HEALTH_H_
