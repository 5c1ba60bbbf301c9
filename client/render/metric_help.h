// These functions explain the metrics of runs, from the options of their fields: as text for one, a
// table of several, and as records. Pure.

#ifndef ANNEAL_CLIENT_RENDER_METRIC_HELP_H_
#define ANNEAL_CLIENT_RENDER_METRIC_HELP_H_

#include <string>
#include <vector>

#include "client/render/field_record.pb.h"
#include "client/render/table.h"
#include "common/metric.h"

namespace anneal::client::render {

// Returns what the value is, its unit and better direction, what a run that diverged counts as, the
// images that it is of, its SQL column and TensorBoard tag, and the names of its other forms.
std::string MetricHelp(const Metric& metric);

// Returns a row for each metric: name, unit, better direction and images.
Table MetricTable(const std::vector<Metric>& metrics);

// Returns a row for each metric with all facts, for CSV.
Table MetricCsv(const std::vector<Metric>& metrics);

// Returns the same as MetricCsv for one metric, for JSON.
MetricRecord RecordOf(const Metric& metric);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_METRIC_HELP_H_
