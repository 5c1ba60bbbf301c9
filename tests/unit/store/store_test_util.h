// These helpers give store tests a store in its own directory, and records with awkward values in
// every field.

#ifndef ANNEAL_TESTS_UNIT_STORE_STORE_TEST_UTIL_H_
#define ANNEAL_TESTS_UNIT_STORE_STORE_TEST_UTIL_H_

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "anneal/v1/resources.pb.h"
#include "anneal/v1/worker.pb.h"
#include "common/config/validation.h"
#include "common/resource_name.h"
#include "common/wall_clock.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::store {

inline constexpr int64_t kNow = 1'700'000'000'123'456;

// Returns the `n`th of several doubles that use all 64 bits.
inline double AwkwardDouble(int n) {
  const double values[] = {0.1,
                           -1.0 / 3,
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::max(),
                           std::nextafter(1.0, 2.0),
                           -std::numeric_limits<double>::min(),
                           9007199254740993.0,
                           1e22,
                           std::nextafter(0.0, 1.0) * 12345,
                           3};
  const size_t count = sizeof(values) / sizeof(values[0]);
  return values[static_cast<size_t>(n) % count] / (n < 10 ? 1 : std::nextafter(1.0, 2.0));
}

// Sets every number of a message and of its submessages to a distinct value.
inline void FillNumbers(google::protobuf::Message* message, int* next) {
  using google::protobuf::FieldDescriptor;
  const auto* type = message->GetDescriptor();
  const auto* reflection = message->GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->is_repeated()) continue;
    switch (field->cpp_type()) {
      case FieldDescriptor::CPPTYPE_DOUBLE:
        reflection->SetDouble(message, field, AwkwardDouble((*next)++));
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection->SetInt32(message, field, std::numeric_limits<int32_t>::max() - (*next)++);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection->SetInt64(message, field, std::numeric_limits<int64_t>::max() - (*next)++);
        break;
      case FieldDescriptor::CPPTYPE_MESSAGE:
        FillNumbers(reflection->MutableMessage(message, field), next);
        break;
      default:
        break;
    }
  }
}

inline v1::ThetaVector SomeTheta(int32_t epoch, int32_t layer, const std::vector<int32_t>& shape) {
  v1::ThetaVector theta;
  theta.set_epoch(epoch);
  theta.set_layer(layer);
  int64_t size = 1;
  for (const int32_t side : shape) {
    theta.add_shape(side);
    size *= side;
  }
  for (int64_t i = 0; i < size; ++i) {
    theta.add_values(std::nextafter(0.1F * static_cast<float>(i), 1.0F));
  }
  return theta;
}

// A report with every field set: the last epoch's numbers, three layers, two theta vectors.
inline v1::EpochReport SomeReport(int32_t epoch) {
  v1::EpochReport report;
  int next = epoch;
  FillNumbers(report.mutable_epoch(), &next);
  report.mutable_epoch()->set_epoch(epoch);
  report.mutable_epoch()->set_eligible(epoch % 2 == 1);
  for (int layer = 0; layer < 3; ++layer) {
    v1::LayerMetrics* metrics = report.mutable_epoch()->add_layers();
    metrics->set_gradient_norm(AwkwardDouble(layer));
    if (layer == 2) continue;  // the output layer has no diagnostics
    metrics->set_linear_gap(AwkwardDouble(layer + 3));
    metrics->set_negative_share(AwkwardDouble(layer + 5));
  }
  *report.add_thetas() = SomeTheta(epoch, 0, {2, 3, 4});
  *report.add_thetas() = SomeTheta(epoch, 1, {5});
  return report;
}

inline v1::TestResult SomeResult(v1::TestResult::Weights weights) {
  v1::TestResult result;
  int next = static_cast<int>(weights);
  FillNumbers(&result, &next);
  result.set_weights(weights);
  result.set_epoch(7);
  result.set_no_eligible_epoch(weights == v1::TestResult::WEIGHTS_BEST);
  for (const int64_t images : {8, 2, 0, 1, 9, 0, 4, 0, 6}) result.add_confusion(images);
  return result;
}

using Parameters = std::map<std::string, std::string>;

// Returns an experiment with one cell and the seeds from 0.
inline NewExperiment SomeExperiment(const std::string& id, int runs = 1, int32_t priority = 0) {
  NewExperiment experiment;
  experiment.id = id;
  experiment.submission.mutable_config()->set_epochs(3);
  experiment.submission.set_priority(priority);
  experiment.network.set_parameter_count(42);
  experiment.time_micros = kNow;
  std::vector<int64_t> seeds(static_cast<size_t>(runs));
  std::iota(seeds.begin(), seeds.end(), 0);
  experiment.cells.emplace_back(Parameters{}, config::ResolveConfig(experiment.submission.config()),
                                std::move(seeds));
  return experiment;
}

// Runs `body` in a child process and returns its exit code; -1 if it was killed.
inline int InChild(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class StoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  const std::string& directory() const { return directory_.path(); }
  std::string database() const { return directory_.file("anneal.db"); }

  void Reopen() {
    store_.reset();
    auto opened = Store::Open(directory());
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  absl::Status Write(Writer::WriteFunction function) { return store_->Write(std::move(function)); }

  // Returns the result of a read that must succeed; `function` returns a StatusOr.
  template <typename Function>
  auto Read(Function function) {
    auto result = store_->Read(std::move(function));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *std::move(result) : typename decltype(result)::value_type{};
  }
  template <typename Function>
  auto TryRead(Function function) {
    return store_->Read(std::move(function));
  }

  int64_t QueryInt(const std::string& sql) {
    return Read([&](Connection& db) { return db.QueryInt(sql); });
  }

  void Insert(const NewExperiment& experiment) {
    const absl::Status status =
        Write([&](Transaction& transaction) { return InsertExperiment(transaction, experiment); });
    ASSERT_TRUE(status.ok()) << status;
  }
  int64_t KeyOf(const std::string& id) {
    return Read([&](Connection& db) { return ExperimentKey(db, id); });
  }
  int64_t RunKeyOf(const std::string& id, int64_t ordinal) {
    return Read(
        [&](Connection& db) { return RunKey(db, {.experiment_id = id, .ordinal = ordinal}); });
  }
  v1::Experiment Get(const std::string& id) {
    return Read([&](Connection& db) { return GetExperiment(db, id); });
  }
  v1::Run GetRunOf(const std::string& id, int64_t ordinal, v1::RunView view = v1::RUN_VIEW_FULL) {
    return Read([&](Connection& db) {
      return GetRun(db, {.experiment_id = id, .ordinal = ordinal}, view);
    });
  }
  absl::Status Change(int64_t run_key, v1::RunState to, int64_t time = kNow,
                      const std::optional<v1::Failure>& failure = std::nullopt) {
    return Write([&](Transaction& transaction) {
      return ChangeRunState(transaction, run_key, to, time, failure);
    });
  }
  absl::Status Record(int64_t run_key, const v1::EpochReport& report) {
    return Write(
        [&](Transaction& transaction) { return RecordEpoch(transaction, run_key, kNow, report); });
  }

  TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

}  // namespace anneal::store

#endif  // ANNEAL_TESTS_UNIT_STORE_STORE_TEST_UTIL_H_
