// Calls by their paths alone, as somebody without our protos makes them.

#ifndef ANNEAL_TESTS_E2E_GENERIC_CALL_H_
#define ANNEAL_TESTS_E2E_GENERIC_CALL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

namespace anneal {

struct CallResult {
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
  std::string message;
  std::string answer;      // the bytes of the last message
  std::string request_id;  // x-request-id of the answer
};

// Sends one empty request to `/package.Service/Method` and reads to the end. `token` and
// `request_id`, what is shown as such, may be empty.
CallResult CallByPath(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                      const std::string& token = "", const std::string& request_id = "");

// What a daemon's health service says: 1 SERVING, 2 NOT_SERVING; 0 if it says nothing.
int HealthOf(const std::string& address);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_GENERIC_CALL_H_
