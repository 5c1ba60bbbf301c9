// `MakeListStatement` composes the SQL of one page of a list: its filter, its order, and the row
// after which the page begins. Pure; thread-safe.

#ifndef ANNEAL_SERVER_STORE_LIST_QUERY_H_
#define ANNEAL_SERVER_STORE_LIST_QUERY_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "google/protobuf/message.h"
#include "server/store/filter_sql.h"
#include "server/store/statement.h"

namespace anneal::store {

// One term of ORDER BY. A row's ordering key is the values of all terms.
struct OrderTerm {
  std::string sql;
  bool descending = false;
  // False for the term that tells rows whose next term is NULL from others. It is part of the
  // ordering key, but NULLS LAST does the sorting.
  bool sorts = true;
};

// Compiles an order. Rows without a field come last. INVALID_ARGUMENT naming `order_by`.
absl::StatusOr<std::vector<OrderTerm>> CompileOrder(Listed listed,
                                                    const std::vector<OrderField>& fields);

// Returns the names of the metrics of the test split that a filter and an order name, each once, in
// the order of their appearance. Naming one is a look at test results (v1::Look).
std::vector<std::string> TestMetricsIn(const Filter& filter, const std::vector<OrderField>& order);

// Returns the condition for the rows after the one with the ordering key `place`.
Condition After(const std::vector<OrderTerm>& terms, const std::vector<Value>& place);

// A request for one page of a list.
struct ListQuery {
  Condition filter;
  std::vector<OrderTerm> order;  // before the list's own terms
  // The ordering key of the last row of the page before: `order`, then the list's own terms. Empty:
  // this is the first page.
  std::vector<Value> after;
  int limit = 0;
  // The page closes with the row that exceeds this budget, unless that is the first row.
  size_t max_bytes = std::numeric_limits<size_t>::max();
};

// Counts the bytes of a page. The first message always fits, others while the budget lasts.
class PageRoom {
 public:
  explicit PageRoom(size_t max_bytes) : max_bytes_(max_bytes) {}
  bool Fits(const google::protobuf::Message& message) {
    const bool is_first = bytes_ == 0;
    bytes_ += message.ByteSizeLong();
    return is_first || bytes_ <= max_bytes_;
  }

 private:
  const size_t max_bytes_;
  size_t bytes_ = 0;
};

// "SELECT `columns`, ordering key FROM `from` WHERE `conditions`, filter, after ORDER BY ...
// LIMIT", and the values of its parameters.
struct ListStatement {
  std::string sql;
  std::vector<Value> values;
  // The columns of the ordering key.
  int place_column = 0;
  int place_size = 0;
  bool is_fixed = false;  // independent of the request, so worth caching
};
ListStatement MakeListStatement(const std::string& columns, int column_count,
                                const std::string& from, const std::vector<Condition>& conditions,
                                const std::vector<OrderTerm>& own_order, const ListQuery& query);

// Returns the ordering key of the current row, for ListQuery.after.
std::vector<Value> PlaceOf(const Statement& row, const ListStatement& list);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_LIST_QUERY_H_
