// The daemon's check that it answers its clients.

#ifndef ANNEAL_SERVER_API_SELF_CHECK_H_
#define ANNEAL_SERVER_API_SELF_CHECK_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/status.h"

namespace anneal::api {

// Makes the smallest call that reads the store. Blocks for seconds at most. Returns the error that
// came instead of an answer.
absl::Status CheckAnswers(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_SELF_CHECK_H_
