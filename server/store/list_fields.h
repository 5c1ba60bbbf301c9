// `FindListField` and its like map the fields of lists, as users name them, to SQL: columns of
// experiments and runs, labels, config fields and metrics. Pure; thread-safe.

#ifndef ANNEAL_SERVER_STORE_LIST_FIELDS_H_
#define ANNEAL_SERVER_STORE_LIST_FIELDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/metric.h"
#include "google/protobuf/descriptor.h"
#include "server/store/statement.h"

namespace anneal::store {

// Queries name experiments `e` and runs `r`; those of runs join both.
enum class Listed { kExperiments, kRuns };

// A condition with a `?` for each value, in order. An empty condition is true.
struct Condition {
  std::string sql;
  std::vector<Value> values;
};

// Returns a condition. Out of line, because GCC 12 takes the inlined move of a short literal for an
// access out of bounds.
Condition MakeCondition(std::string sql, std::vector<Value> values = {});

struct Field {
  enum class Kind { kNumber, kText, kTime, kBool, kEnum };

  Kind kind = Kind::kText;
  std::string sql;  // inside of `frame`
  bool nullable = false;
  // The type of a kEnum, and whether the column holds full names (THETA_POLICY_FIXED) or short
  // ones.
  const google::protobuf::EnumDescriptor* type = nullptr;
  bool full_names = false;
  // The condition that contains one on the field, at the place of each `$`. Its own values are
  // those of its `?`, in order. Fields in another table are looked up by it.
  Condition frame = {.sql = "$"};
  // A field of runs in a list of experiments: the condition holds if it holds for any run.
  bool of_some_run = false;
  // The value outside of the frame, to order by. Empty: no order by this field.
  std::string order_sql;
};

// Returns the field that `name` stands for in such a list. `request_field` (`filter` or `order_by`)
// is named in the error. INVALID_ARGUMENT: unknown field; suggests similar names.
absl::StatusOr<Field> FindListField(Listed listed, absl::string_view request_field,
                                    absl::string_view name);

// The field `labels.KEY`, which is the value of a label. A run's own label precedes that of its
// experiment.
Field LabelField(Listed listed, absl::string_view key);

// Puts `inside` at each `$` of `frame`.
Condition Framed(const Condition& frame, const Condition& inside);

// Returns the metric that `name` stands for in lists of runs; nothing for other fields.
std::optional<Metric> FindListMetric(absl::string_view name);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_LIST_FIELDS_H_
