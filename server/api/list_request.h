// `ListRequest` is a parsed request for a list with filter, order and pages. Pure; thread-safe.

#ifndef ANNEAL_SERVER_API_LIST_REQUEST_H_
#define ANNEAL_SERVER_API_LIST_REQUEST_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "common/message_limits.h"
#include "common/status.h"
#include "google/protobuf/repeated_field.h"
#include "server/api/page.h"
#include "server/store/list_query.h"

namespace anneal::api {

struct ListRequest {
  size_t page_size = 0;
  // Reads one resource more than the page holds, to detect whether there is a next page.
  store::ListQuery query;
};

inline absl::StatusOr<store::Condition> FilterOf(store::Listed listed, absl::string_view text) {
  ANNEAL_ASSIGN_OR_RETURN(const Filter filter, ParseFilter(text));
  return store::CompileFilter(listed, filter);
}

inline absl::StatusOr<std::vector<store::OrderTerm>> OrderOf(store::Listed listed,
                                                             absl::string_view text) {
  ANNEAL_ASSIGN_OR_RETURN(const auto order, ParseOrder(text));
  return store::CompileOrder(listed, order);
}

// Parses page_size, page_token, filter and order_by of a request for a list whose default order has
// `default_terms` ordering keys. INVALID_ARGUMENT naming the invalid fields and those of
// `violations`, which were found earlier.
template <typename Request>
absl::StatusOr<ListRequest> ParseListRequest(const Request& request, store::Listed listed,
                                             size_t default_terms,
                                             FieldViolations violations = {}) {
  ListRequest list;
  auto filter = FilterOf(listed, request.filter());
  auto order = OrderOf(listed, request.order_by());
  // A page token is valid for one order only.
  auto page = ParsePage(request, order.ok() ? order->size() + default_terms : 0);
  if (order.ok() || request.page_token().empty()) violations.AddUnder("", page.status());
  violations.AddUnder("", filter.status());
  violations.AddUnder("", order.status());
  ANNEAL_RETURN_IF_ERROR(violations.ToStatus());
  ANNEAL_ASSIGN_OR_RETURN(list.query.filter, std::move(filter));
  ANNEAL_ASSIGN_OR_RETURN(list.query.order, std::move(order));
  ANNEAL_ASSIGN_OR_RETURN(Page first, std::move(page));
  list.page_size = static_cast<size_t>(first.size);
  list.query.limit = first.size + 1;
  list.query.max_bytes = kMaxPageBytes;
  list.query.after = std::move(first.begin);
  return list;
}

// Moves the messages of `listed` that fit into the page to `to`, and returns the token of the next
// page; empty if there is none.
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
