// Pages of lists: sizes and tokens. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_PAGE_H_
#define ANNEAL_SERVER_API_PAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "server/store/statement.h"

namespace anneal::api {

// Where a page begins: values whose meaning is the list's own.
using Position = std::vector<store::Value>;

// What a request with the fields page_size and page_token asks for.
struct Page {
  int size = 0;
  Position begin;
};

// For a list whose pages begin after a row with `values` values: none of them on the first page.
// INVALID_ARGUMENT: a negative page_size; a page_token that is not one, or that came from a request
// with other arguments.
absl::StatusOr<Page> ParsePage(const google::protobuf::Message& request, size_t values);

// For a list whose pages begin at numbers; `first` is where the first page does. Errors likewise.
struct NumberedPage {
  int size = 0;
  std::vector<int64_t> begin;
};
absl::StatusOr<NumberedPage> ParseNumberedPage(const google::protobuf::Message& request,
                                               const std::vector<int64_t>& first);

// The token with which the same request goes on at `next`.
std::string MakePageToken(const google::protobuf::Message& request, const Position& next);

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_PAGE_H_
