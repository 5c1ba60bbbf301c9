// `CheckAnswers` checks that the daemon serves its clients.

#ifndef ANNEAL_SERVER_API_SELF_CHECK_H_
#define ANNEAL_SERVER_API_SELF_CHECK_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/status.h"

namespace anneal::api {

// Makes a small call that reads the store. Blocks for at most 5 seconds. Returns the call's error.
absl::Status CheckAnswers(const std::shared_ptr<grpc::Channel>& channel);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_SELF_CHECK_H_
