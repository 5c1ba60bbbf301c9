#include "client/render/format.h"

#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "common/metric.h"

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
  if (statistic.count() == 0) return "-";
  const auto show = [percent](double value) {
    return percent ? Percent(value) : absl::StrFormat("%.3f", value);
  };
  if (!statistic.has_standard_deviation()) return show(statistic.mean());
  return absl::StrCat(show(statistic.mean()), " ± ", show(statistic.standard_deviation()));
}

Table::Column MetricColumn(absl::string_view name, int rank, absl::string_view label) {
  const Metric& metric = RunMetric(name);
  return {metric.name,
          absl::StrCat(label.empty() ? metric.table_label : label, metric.percent ? " %" : ""),
          Table::Align::kRight, rank};
}

std::string MetricText(absl::string_view name, std::optional<double> value) {
  if (!value.has_value()) return "-";
  return RunMetric(name).percent ? Percent(*value) : Short(*value);
}

std::string MetricText(absl::string_view name, const v1::Epoch& epoch) {
  return MetricText(name, ValueOf(RunMetric(name), epoch));
}

std::string MetricText(absl::string_view name, const v1::Run& run) {
  return MetricText(name, ValueOf(RunMetric(name), run));
}

}  // namespace anneal::client::render
