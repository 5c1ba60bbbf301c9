// Lists with filter, order and pages: from a request to the store's query. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_LIST_REQUEST_H_
#define ANNEAL_SERVER_API_LIST_REQUEST_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "common/status.h"
#include "google/protobuf/repeated_field.h"
#include "server/api/page.h"
#include "server/store/list_query.h"

namespace anneal::api {

// Messages may have 4 MiB.
inline constexpr size_t kMaxPageBytes = 2 << 20;

struct Listing {
  size_t page_size = 0;
  // Asks for one more than fits, which tells whether there is a next page.
  store::ListQuery query;
};

// Of a request with page_size, page_token, filter and order_by, for a list whose own order has
// `own_terms` terms. INVALID_ARGUMENT naming the field.
template <typename Request>
absl::StatusOr<Listing> ParseListing(const Request& request, store::Listed listed,
                                     size_t own_terms) {
  Listing listing;
  ANNEAL_ASSIGN_OR_RETURN(const Filter filter, ParseFilter(request.filter()));
  ANNEAL_ASSIGN_OR_RETURN(listing.query.filter, store::CompileFilter(listed, filter));
  ANNEAL_ASSIGN_OR_RETURN(const auto order, ParseOrder(request.order_by()));
  ANNEAL_ASSIGN_OR_RETURN(listing.query.order, store::CompileOrder(listed, order));
  ANNEAL_ASSIGN_OR_RETURN(Page page, ParsePage(request, listing.query.order.size() + own_terms));
  listing.page_size = static_cast<size_t>(page.size);
  listing.query.limit = page.size + 1;
  listing.query.max_bytes = kMaxPageBytes;
  listing.query.after = std::move(page.begin);
  return listing;
}

// Moves what fits the page from `listed`, whose elements have `message` and their place in the
// list, to `to`, and names where the next page begins, if there is one.
template <typename Listed, typename Message, typename Request>
std::string FillPage(const Request& request, size_t page_size, Message Listed::*message,
                     std::vector<Listed> listed, google::protobuf::RepeatedPtrField<Message>* to) {
  store::PageRoom room(kMaxPageBytes);
  size_t shown = 0;
  while (shown < std::min(listed.size(), page_size) && room.Fits(listed[shown].*message)) {
    *to->Add() = std::move(listed[shown].*message);
    ++shown;
  }
  return shown < listed.size() ? MakePageToken(request, listed[shown - 1].place) : "";
}

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_LIST_REQUEST_H_
