#include "server/api/look_log.h"

#include <spdlog/spdlog.h>

#include "absl/strings/str_cat.h"
#include "common/filter.h"
#include "common/metric.h"
#include "common/resource_name.h"

namespace anneal::api {
namespace {

bool IsOfTest(const std::string& field) {
  const auto metric = FindRunMetric("", field);
  return metric.ok() && metric->is_of_test();
}

std::string TestMetricIn(const Filter& filter) {
  if (filter.kind == Filter::Kind::kComparison && IsOfTest(filter.field)) return filter.field;
  for (const Filter& operand : filter.operands) {
    if (std::string metric = TestMetricIn(operand); !metric.empty()) return metric;
  }
  return "";
}

}  // namespace

absl::StatusOr<int> LogLook(experiments::Looks* looks, const OptionalCaller& caller,
                            v1::Look::Kind kind, const std::string& metric,
                            const std::set<std::string>& experiments) {
  v1::Look look;
  look.set_kind(kind);
  look.set_metric(metric);
  if (caller.has_value()) look.set_user(caller->name);
  std::set<std::string> ids;
  for (const std::string& name : experiments) {
    if (const auto id = ParseExperimentName("name", name); id.ok()) ids.insert(*id);
  }
  if (ids.empty()) return 0;
  absl::StatusOr<int> recorded = looks->Record(ids, look);
  if (!recorded.ok()) {
    spdlog::warn(
        absl::StrCat("a look at test results could not be logged: ", recorded.status().message()));
  }
  return recorded;
}

std::string TestMetricIn(absl::string_view filter, absl::string_view order_by) {
  if (const auto parsed = ParseFilter(filter); parsed.ok()) {
    if (std::string metric = TestMetricIn(*parsed); !metric.empty()) return metric;
  }
  const auto order = ParseOrder(order_by);
  if (!order.ok()) return "";
  for (const OrderField& field : *order) {
    if (IsOfTest(field.field)) return field.field;
  }
  return "";
}

}  // namespace anneal::api
