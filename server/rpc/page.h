// Pages of lists: sizes and tokens. Pure; thread-safe.

#ifndef ANNEAL_SERVER_RPC_PAGE_H_
#define ANNEAL_SERVER_RPC_PAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"

namespace anneal::rpc {

// Where a page begins: numbers whose meaning is the list's own.
using Position = std::vector<int64_t>;

// What a request with the fields page_size and page_token asks for.
struct Page {
  int size = 0;
  Position begin;
};

// `first` is where the first page begins. INVALID_ARGUMENT: a negative page_size; a page_token that
// is not one, or that came from a request with other arguments.
absl::StatusOr<Page> ParsePage(const google::protobuf::Message& request, const Position& first);

// The token with which the same request goes on at `next`.
std::string MakePageToken(const google::protobuf::Message& request, const Position& next);

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_PAGE_H_
