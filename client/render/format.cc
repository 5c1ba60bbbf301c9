#include "client/render/format.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace anneal::client::render {

std::string Percent(double share) { return absl::StrFormat("%.2f", 100 * share); }

std::string Short(double value) { return absl::StrFormat("%.4g", value); }

std::string Duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return absl::StrCat(whole, "s");
  if (whole < 3600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  return absl::StrFormat("%dh%02dm", whole / 3600, whole / 60 % 60);
}

std::string Time(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0) return "-";
  return absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string Ago(const google::protobuf::Timestamp& time, absl::Time now) {
  if (time.seconds() == 0) return "-";
  const absl::Time then = absl::FromUnixSeconds(time.seconds());
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(now - then));
  constexpr int64_t kMinute = 60;
  constexpr int64_t kHour = 60 * kMinute;
  constexpr int64_t kDay = 24 * kHour;
  if (seconds < kMinute) return absl::StrCat(seconds, "s ago");
  if (seconds < kHour) return absl::StrCat(seconds / kMinute, "m ago");
  if (seconds < 2 * kDay) return absl::StrCat(seconds / kHour, "h ago");
  if (seconds < 60 * kDay) return absl::StrCat(seconds / kDay, "d ago");
  return absl::FormatTime("%Y-%m-%d", then, absl::UTCTimeZone());
}

std::string In(const google::protobuf::Timestamp& time, absl::Time now) {
  const double left = absl::ToDoubleSeconds(absl::FromUnixSeconds(time.seconds()) - now);
  return left <= 0 ? "now" : absl::StrCat("in ", Duration(left));
}

std::string MeanOf(const v1::Statistic& statistic, bool percent) {
  const std::string mark =
      statistic.left_out() == 0 ? "" : absl::StrCat(" (", statistic.left_out(), " out)");
  if (statistic.count() == 0) return absl::StrCat("-", mark);
  const auto show = [percent](double value) {
    return percent ? Percent(value) : absl::StrFormat("%.3f", value);
  };
  const std::string mean = show(statistic.mean());
  if (!statistic.has_standard_deviation()) return absl::StrCat(mean, mark);
  return absl::StrCat(mean, " ± ", show(statistic.standard_deviation()), mark);
}

Table::Column MetricColumn(const Metric& metric, int rank, absl::string_view label) {
  return {metric.name,
          absl::StrCat(label.empty() ? metric.table_label : label, metric.percent ? " %" : ""),
          Table::Align::kRight, rank};
}

Table::Column MetricColumn(absl::string_view name, int rank, absl::string_view label) {
  return MetricColumn(RunMetric(name), rank, label);
}

std::string MetricText(const Metric& metric, std::optional<double> value) {
  if (!value.has_value()) return "-";
  return metric.percent ? Percent(*value) : Short(*value);
}

std::string MetricText(absl::string_view name, std::optional<double> value) {
  return MetricText(RunMetric(name), value);
}

std::string MetricText(absl::string_view name, const v1::Epoch& epoch) {
  return MetricText(name, ValueOf(RunMetric(name), epoch));
}

std::string MetricText(absl::string_view name, const v1::Run& run) {
  return MetricText(name, ValueOf(RunMetric(name), run));
}

std::string Wrapped(absl::string_view text, size_t width, size_t indent) {
  std::string lines;
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const size_t columns = DisplayWidth(word);
    if (column > 0 && width > 0 && column + 1 + columns > width) {
      absl::StrAppend(&lines, "\n", std::string(indent, ' '), word);
      column = indent + columns;
      continue;
    }
    absl::StrAppend(&lines, column > 0 ? " " : "", word);
    column += columns + (column > 0 ? 1 : 0);
  }
  return lines;
}

}  // namespace anneal::client::render
