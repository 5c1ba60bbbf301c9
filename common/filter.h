// Filters and orders of lists, as text: the part of google.aip.dev/160 and /132 that services.proto
// describes. What the fields are is not known here. Pure; thread-safe.

#ifndef ANNEAL_COMMON_FILTER_H_
#define ANNEAL_COMMON_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal {

inline constexpr size_t kMaxFilterBytes = 2048;
inline constexpr int kMaxFilterComparisons = 32;
inline constexpr int kMaxFilterDepth = 32;  // of parentheses and NOTs
inline constexpr size_t kMaxOrderFields = 4;

enum class Comparator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kHas };

// A node of the tree that a filter is.
struct Filter {
  enum class Kind {
    kAll,         // of `operands`; without any it holds always
    kAny,         // of `operands`
    kNot,         // the one operand does not hold
    kComparison,  // field comparator value
  };
  Kind kind = Kind::kAll;
  std::vector<Filter> operands;

  std::string field;
  Comparator comparator = Comparator::kEqual;
  std::string value;    // without its quotation marks
  bool quoted = false;  // a quoted `*` is a star
};

// Of an empty text: a filter that holds always. INVALID_ARGUMENT naming `filter`, with the
// character at which the text is not understood and what would be.
absl::StatusOr<Filter> ParseFilter(absl::string_view text);

struct OrderField {
  std::string field;
  bool descending = false;
};
// Such as `priority desc, id`. INVALID_ARGUMENT naming `order_by`.
absl::StatusOr<std::vector<OrderField>> ParseOrder(absl::string_view text);

}  // namespace anneal

#endif  // ANNEAL_COMMON_FILTER_H_
