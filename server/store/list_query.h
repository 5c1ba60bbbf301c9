// Filters and orders as SQL: what the fields of experiments and runs are in the database. Pure;
// thread-safe.
//
// Users' values are only ever bound; what they write becomes SQL only by way of the names of fields
// that are known here or in the schema of TrainingConfig.

#ifndef ANNEAL_SERVER_STORE_LIST_QUERY_H_
#define ANNEAL_SERVER_STORE_LIST_QUERY_H_

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/filter.h"
#include "google/protobuf/message.h"
#include "server/store/statement.h"

namespace anneal::store {

// A condition with a `?` for each value, in order. Empty: holds always.
struct Condition {
  std::string sql;
  std::vector<Value> values;
};

struct OrderTerm {
  std::string sql;
  bool descending = false;
  // False: it tells rows without the next term's value from others, which come before them anyway.
  bool sorts = true;
};

// Queries call experiments `e` and runs `r`; those of runs have both.
enum class Listed { kExperiments, kRuns };

// INVALID_ARGUMENT naming `filter`: an unknown field, with near ones; a value that is none of its
// type; or a comparison that it does not have.
absl::StatusOr<Condition> CompileFilter(Listed listed, const Filter& filter);

// Rows without the field come last. INVALID_ARGUMENT naming `order_by`.
absl::StatusOr<std::vector<OrderTerm>> CompileOrder(Listed listed,
                                                    const std::vector<OrderField>& fields);

// Rows that come after the one where the terms have the values `place`.
Condition After(const std::vector<OrderTerm>& terms, const std::vector<Value>& place);

// What a list is asked for.
struct ListQuery {
  Condition filter;
  std::vector<OrderTerm> order;  // before the list's own
  // Where the page before ended: the values of the order's terms, then of the list's own. Empty:
  // the list begins.
  std::vector<Value> after;
  int limit = 0;
  // Ends with the row that, unless it is the first, goes beyond so many bytes.
  size_t max_bytes = std::numeric_limits<size_t>::max();
};

// What fits a page of `max_bytes`: any first message, then as many as there is room for.
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

// "SELECT `columns`, the order's terms FROM `from` WHERE `conditions`, filter, after ORDER BY ...
// LIMIT", and the values for its parameters.
struct ListStatement {
  std::string sql;
  std::vector<Value> values;
  // Where a row has its place: the columns of the order's terms.
  int place_column = 0;
  int place_size = 0;
  bool is_fixed = false;  // one of few texts, worth keeping compiled
};
ListStatement MakeListStatement(const std::string& columns, int column_count,
                                const std::string& from, const std::vector<Condition>& conditions,
                                const std::vector<OrderTerm>& own_order, const ListQuery& query);

// The place of the statement's current row, for ListQuery.after.
std::vector<Value> PlaceOf(const Statement& row, const ListStatement& list);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_LIST_QUERY_H_
