// `ParseFilter` and `ParseOrder` parse the filters and orders of lists: the subset of
// google.aip.dev/160 and /132 that services.proto documents. They accept any field name. Pure;
// thread-safe.

#ifndef ANNEAL_COMMON_FILTER_H_
#define ANNEAL_COMMON_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal {

inline constexpr size_t kMaxFilterBytes = 2048;
inline constexpr int kMaxFilterComparisons = 32;
inline constexpr int kMaxFilterDepth = 32;  // nesting of parentheses and NOTs
inline constexpr size_t kMaxOrderFields = 4;

enum class Comparator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };

// A node of the syntax tree.
struct Filter {
  enum class Kind {
    kAll,         // conjunction of `operands`; true without any
    kAny,         // disjunction of `operands`
    kNot,         // negation of the one operand
    kComparison,  // field comparator value
  };
  Kind kind = Kind::kAll;
  std::vector<Filter> operands;

  std::string field;
  Comparator comparator = Comparator::kEqual;
  std::string value;    // without quotation marks
  bool quoted = false;  // a quoted `*` is literal
};

// An empty text matches everything. INVALID_ARGUMENT naming `filter`, with the position of the
// syntax error and the expected token.
absl::StatusOr<Filter> ParseFilter(absl::string_view text);

struct OrderField {
  std::string field;
  bool descending = false;
};
// Parses orders such as `priority desc, id`. INVALID_ARGUMENT naming `order_by`.
absl::StatusOr<std::vector<OrderField>> ParseOrder(absl::string_view text);

}  // namespace anneal

#endif  // ANNEAL_COMMON_FILTER_H_
