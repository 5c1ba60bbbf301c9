// Lists with filter, order and pages: from a request to the store's query. Pure; thread-safe.

#ifndef ANNEAL_SERVER_RPC_LISTING_H_
#define ANNEAL_SERVER_RPC_LISTING_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "common/status.h"
#include "server/rpc/page.h"
#include "server/store/list_query.h"

namespace anneal::rpc {

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
  listing.query.after = std::move(page.begin);
  return listing;
}

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_LISTING_H_
