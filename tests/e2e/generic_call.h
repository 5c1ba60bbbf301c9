// `CallByPath` makes calls by method path, like a client without our protos.

#ifndef ANNEAL_TESTS_E2E_GENERIC_CALL_H_
#define ANNEAL_TESTS_E2E_GENERIC_CALL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace anneal {

struct CallResult {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string message;
  std::string answer;      // the serialised last message
  std::string request_id;  // x-request-id of the response
};

// Sends one empty request to `/package.Service/Method` and reads the response to its end. `token`
// and `request_id` may be empty; they are sent as metadata otherwise.
CallResult CallByPath(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                      const std::string& token = "", const std::string& request_id = "");

// Returns the status of the daemon's health service: 1 SERVING, 2 NOT_SERVING; 0 without a
// response.
int HealthOf(const std::string& address);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_GENERIC_CALL_H_
