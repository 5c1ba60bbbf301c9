#include "client/exporters/tensorboard.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/config/field_path.h"
#include "common/metric.h"
#include "google/protobuf/util/time_util.h"

namespace anneal::client::exporters {
namespace {

double Seconds(const google::protobuf::Timestamp& time) {
  return static_cast<double>(google::protobuf::util::TimeUtil::TimestampToMicroseconds(time)) / 1e6;
}

// Estimates the end of the epoch as if the run had not been interrupted.
double TimeOf(const v1::Run& run, const v1::Epoch& epoch) {
  return Seconds(run.has_start_time() ? run.start_time() : run.create_time()) +
         epoch.elapsed_seconds();
}

void AddScalar(const std::string& tag, double value, tensorboard::Summary* summary) {
  tensorboard::Summary::Value* scalar = summary->add_value();
  scalar->set_tag(tag);
  scalar->set_simple_value(static_cast<float>(value));
}

// Adds the metrics of a message that are set, their tags between `before` and `after`. The epoch is
// the event's step and no scalar.
void AddMetrics(const google::protobuf::Message& message, absl::string_view before,
                absl::string_view after, tensorboard::Summary* summary) {
  for (const google::protobuf::FieldDescriptor* field : MetricFields(*message.GetDescriptor())) {
    const std::optional<double> value = NumberOf(message, *field);
    if (!value.has_value() || field->name() == "epoch") continue;
    AddScalar(absl::StrCat(before, TagOf(*field), after), *value, summary);
  }
}

tensorboard::Event SessionEvent(double time, const std::string& tag,
                                const tensorboard::HParamsPluginData& data) {
  tensorboard::Event event;
  event.set_wall_time(time);
  tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
  value->set_tag(tag);
  auto* plugin = value->mutable_metadata()->mutable_plugin_data();
  plugin->set_plugin_name("hparams");
  plugin->set_content(data.SerializeAsString());
  return event;
}

google::protobuf::Value ValueOf(const std::string& text) {
  google::protobuf::Value value;
  value.set_string_value(text);
  double number = 0;
  if (absl::SimpleAtod(text, &number)) value.set_number_value(number);
  if (text == "true" || text == "false") value.set_bool_value(text == "true");
  return value;
}

}  // namespace

tensorboard::HistogramProto Histogram(const v1::ThetaVector& theta) {
  constexpr int kBuckets = 30;
  const auto [least, largest] = std::minmax_element(theta.values().begin(), theta.values().end());
  const double low = *least;
  const double high = *largest;
  const int buckets = low == high ? 1 : kBuckets;
  const double width = (high - low) / buckets;
  tensorboard::HistogramProto histogram;
  histogram.set_min(low);
  histogram.set_max(high);
  histogram.set_num(theta.values_size());
  for (int i = 1; i < buckets; ++i) histogram.add_bucket_limit(low + i * width);
  histogram.add_bucket_limit(high);
  histogram.mutable_bucket()->Resize(buckets, 0);
  double sum = 0;
  double sum_squares = 0;
  for (const double value : theta.values()) {
    sum += value;
    sum_squares += value * value;
    const int bucket = width == 0 ? 0 : static_cast<int>((value - low) / width);
    ++histogram.mutable_bucket()->at(std::min(bucket, buckets - 1));
  }
  histogram.set_sum(sum);
  histogram.set_sum_squares(sum_squares);
  return histogram;
}

tensorboard::Event FileVersion(const v1::Run& run) {
  tensorboard::Event event;
  event.set_wall_time(TimeOf(run, v1::Epoch()));
  event.set_file_version("brain.Event:2");
  return event;
}

tensorboard::Event SessionStart(const v1::Run& run, const std::vector<std::string>& fields,
                                const std::string& group) {
  tensorboard::HParamsPluginData data;
  tensorboard::SessionStartInfo* start = data.mutable_session_start_info();
  for (const std::string& field : fields) {
    const auto value = config::GetField(run.config(), field);
    if (value.ok() && *value != "-") (*start->mutable_hparams())[field] = ValueOf(*value);
  }
  start->set_group_name(group);
  const double time = TimeOf(run, v1::Epoch());
  start->set_start_time_secs(time);
  return SessionEvent(time, "_hparams_/session_start_info", data);
}

tensorboard::Event EpochEvent(const v1::Run& run, const v1::Epoch& epoch,
                              const std::vector<v1::ThetaVector>& thetas) {
  tensorboard::Event event;
  event.set_wall_time(TimeOf(run, epoch));
  event.set_step(epoch.epoch());
  AddMetrics(epoch, "", "", event.mutable_summary());
  AddMetrics(epoch.theta(), "", "", event.mutable_summary());
  for (int layer = 0; layer < epoch.layers_size(); ++layer) {
    AddMetrics(epoch.layers(layer), "", absl::StrCat("/layer_", layer), event.mutable_summary());
  }
  for (const v1::ThetaVector& theta : thetas) {
    tensorboard::Summary::Value* value = event.mutable_summary()->add_value();
    value->set_tag(absl::StrCat("theta/layer_", theta.layer()));
    *value->mutable_histo() = Histogram(theta);
  }
  return event;
}

std::vector<tensorboard::Event> EndEvents(const v1::Run& run) {
  std::vector<tensorboard::Event> events;
  const double time = TimeOf(run, run.last_epoch());
  for (const v1::TestResult& result : run.test_results()) {
    tensorboard::Event& event = events.emplace_back();
    event.set_wall_time(time);
    event.set_step(result.epoch());
    const bool best = result.weights() == v1::TestResult::WEIGHTS_BEST;
    AddMetrics(result, best ? "test_best/" : "test/", "", event.mutable_summary());
  }
  tensorboard::HParamsPluginData data;
  tensorboard::SessionEndInfo* end = data.mutable_session_end_info();
  end->set_status(run.state() == v1::RUN_STATE_SUCCEEDED
                      ? tensorboard::SessionEndInfo::STATUS_SUCCESS
                      : tensorboard::SessionEndInfo::STATUS_FAILURE);
  end->set_end_time_secs(time);
  events.push_back(SessionEvent(time, "_hparams_/session_end_info", data));
  return events;
}

}  // namespace anneal::client::exporters
