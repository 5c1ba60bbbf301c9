#include "server/training/epoch_record.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/metric.h"
#include "server/training/model/theta_summary.h"

namespace anneal::training {
void RecordTraining(const engines::StepTotals& totals, int64_t images, double seconds,
                    v1::Epoch* record) {
  const auto count = static_cast<double>(images);
  const stats::Scores scores = totals.confusion.MacroScores();
  record->set_train_loss(totals.loss_sum / count);
  record->set_train_accuracy(scores.accuracy);
  record->set_train_precision(scores.precision);
  record->set_train_recall(scores.recall);
  record->set_train_f1(scores.f1);
  record->set_samples_per_second(count / seconds);
  for (const double squares : totals.squared_gradient_norms) {
    record->add_layers()->set_gradient_norm(std::sqrt(squares / static_cast<double>(totals.steps)));
  }
}

void RecordThetas(const engines::Engine& engine, v1::EpochReport* report) {
  for (v1::ThetaVector& theta : engine.Thetas()) {
    theta.set_epoch(report->epoch().epoch());
    *report->add_thetas() = std::move(theta);
  }
  *report->mutable_epoch()->mutable_theta() = model::SummarizeThetas(report->thetas());
}

bool HasFiniteMetrics(const google::protobuf::Message& message) {
  const auto fields = MetricFields(*message.GetDescriptor());
  return std::all_of(fields.begin(), fields.end(), [&](const auto* field) {
    return std::isfinite(NumberOf(message, *field).value_or(0));
  });
}

bool IsFinite(const v1::Epoch& record) {
  return HasFiniteMetrics(record) && HasFiniteMetrics(record.theta()) &&
         std::all_of(record.layers().begin(), record.layers().end(), HasFiniteMetrics);
}

}  // namespace anneal::training
