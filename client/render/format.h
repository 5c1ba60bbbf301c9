// These functions format values and metrics for people. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FORMAT_H_
#define ANNEAL_CLIENT_RENDER_FORMAT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "anneal/v1/services.pb.h"
#include "client/render/table.h"
#include "common/metric.h"

namespace anneal::client::render {

// A share as a percentage with two decimals, without the % sign: 98.73.
std::string Percent(double share);
// Four significant digits.
std::string Short(double value);
// 42s, 3m07s, 2h05m.
std::string Duration(double seconds);
// UTC, such as 2026-11-23 06:37.
std::string Time(const google::protobuf::Timestamp& time);
// The age at `now`, in one unit: 42s ago, 3m ago, 2h ago, 5d ago; the date from 60 days on.
std::string Ago(const google::protobuf::Timestamp& time, absl::Time now);
// The time until then: in 42s, in 3m07s; `now` if it has passed.
std::string In(const google::protobuf::Timestamp& time, absl::Time now);
// Mean ± standard deviation, as percentages or unscaled; - without samples. `(1 out)` behind it
// says how many seeds it leaves out, because a run diverged.
std::string MeanOf(const v1::Statistic& statistic, bool percent);

// The column of a metric: the name is its key, the header is its table label, or `label` if that is
// given, with % for a share. Where a name is given, it is one that RunMetric (common/metric.h) has.
Table::Column MetricColumn(const Metric& metric, int rank = 0, absl::string_view label = "");
Table::Column MetricColumn(absl::string_view name, int rank = 0, absl::string_view label = "");
// A cell of this column: a share as a percentage, - without a value.
std::string MetricText(const Metric& metric, std::optional<double> value);
std::string MetricText(absl::string_view name, std::optional<double> value);
std::string MetricText(absl::string_view name, const v1::Epoch& epoch);
std::string MetricText(absl::string_view name, const v1::Run& run);

// Returns the text in lines of at most `width` columns, broken at spaces; those after the first are
// indented. A longer word has a line of its own. 0: one line.
std::string Wrapped(absl::string_view text, size_t width, size_t indent = 0);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_FORMAT_H_
