// `ParsePage` and `MakePageToken` parse and make the page tokens of lists. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_PAGE_H_
#define ANNEAL_SERVER_API_PAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/store/statement.h"

namespace anneal::api {

// The ordering keys of the row before a page. Each list defines their meaning.
using Position = std::vector<store::Value>;

// The page_size and page_token of a request.
struct Page {
  int size = 0;
  Position begin;  // empty: the first page
};

// Parses the page of a list with `values` ordering keys. INVALID_ARGUMENT: page_size is negative;
// page_token is malformed, or comes from a request with other arguments.
absl::StatusOr<Page> ParsePage(const google::protobuf::Message& request, size_t values);

// A page of a list whose ordering keys are integers.
struct NumberedPage {
  int size = 0;
  std::vector<int64_t> begin;
};
// As ParsePage; the first page begins at `first`.
absl::StatusOr<NumberedPage> ParseNumberedPage(const google::protobuf::Message& request,
                                               const std::vector<int64_t>& first);

// Returns the token with which the same request continues at `next`.
std::string MakePageToken(const google::protobuf::Message& request, const Position& next);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_PAGE_H_
