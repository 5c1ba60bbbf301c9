#include "common/metric.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ::testing::HasSubstr;

const v1::Run& SomeRun() {
  static const auto& run = *new v1::Run(FromText<v1::Run>(R"(
    last_epoch {
      epoch: 7 validation_loss: 0.5 validation_accuracy: 0.75 theta { mean: 0.25 max: 0.5 }
      hessian_max_eigenvalue: 12
    }
    test_results { weights: WEIGHTS_LAST accuracy: 0.9 loss: 0.3 }
    test_results { weights: WEIGHTS_BEST accuracy: 0.95 loss: 0.2 })"));
  return run;
}

std::optional<double> Value(const std::string& name) {
  return ValueOf(FindRunMetric("metric", name).value(), SomeRun());
}

TEST(MetricTest, ReadsTheNamedMetric) {
  EXPECT_EQ(Value("epoch"), 7);
  EXPECT_EQ(Value("validation_loss"), 0.5);
  EXPECT_EQ(Value("train_loss"), 0);
  EXPECT_EQ(Value("theta_mean"), 0.25);
  EXPECT_EQ(Value("theta_max"), 0.5);
  EXPECT_EQ(Value("test_accuracy"), 0.9);
  EXPECT_EQ(Value("best_test_accuracy"), 0.95);
  EXPECT_EQ(Value("best_test_loss"), 0.2);
  EXPECT_EQ(Value("hessian_max_eigenvalue"), 12);
}

TEST(MetricTest, MissingValuesAreNullopt) {
  EXPECT_EQ(Value("hessian_min_eigenvalue"), std::nullopt);
  EXPECT_EQ(Value("log_loss_area"), std::nullopt);
  for (const char* name : {"validation_loss", "theta_mean", "test_accuracy"}) {
    EXPECT_EQ(ValueOf(FindRunMetric("metric", name).value(), v1::Run()), std::nullopt) << name;
  }
}

TEST(MetricTest, ReadsTheMetricOfAnEpoch) {
  const v1::Epoch& epoch = SomeRun().last_epoch();
  EXPECT_EQ(ValueOf(RunMetric("validation_loss"), epoch), 0.5);
  EXPECT_EQ(ValueOf(RunMetric("theta_mean"), epoch), 0.25);
  EXPECT_EQ(ValueOf(RunMetric("hessian_min_eigenvalue"), epoch), std::nullopt);
  EXPECT_EQ(ValueOf(RunMetric("test_accuracy"), epoch), std::nullopt);
}

TEST(MetricTest, KnowsTheBetterDirection) {
  for (const char* name : {"test_accuracy", "validation_f1", "train_recall", "best_test_precision",
                           "samples_per_second"}) {
    EXPECT_TRUE(FindRunMetric("metric", name)->higher_is_better()) << name;
  }
  for (const char* name : {"validation_loss", "test_loss", "epoch_seconds", "log_loss_area"}) {
    EXPECT_FALSE(FindRunMetric("metric", name)->higher_is_better()) << name;
    EXPECT_EQ(FindRunMetric("metric", name)->better, v1::MetricOptions::BETTER_LOWER) << name;
  }
  for (const char* name : {"epoch", "step", "learning_rate", "theta_mean", "penalty"}) {
    EXPECT_EQ(FindRunMetric("metric", name)->better, v1::MetricOptions::BETTER_NEITHER) << name;
  }
}

// A number without the option would be neither stored nor shown.
TEST(MetricTest, EveryNumericFieldHasMetricOptions) {
  int fields = 0;
  for (const Descriptor* type : {v1::Epoch::descriptor(), v1::ThetaSummary::descriptor(),
                                 v1::LayerMetrics::descriptor(), v1::TestResult::descriptor()}) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor& field = *type->field(i);
      const bool is_number = field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE &&
                             field.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
                             field.cpp_type() != FieldDescriptor::CPPTYPE_BOOL &&
                             field.cpp_type() != FieldDescriptor::CPPTYPE_ENUM;
      if (!is_number || field.is_repeated()) {
        EXPECT_FALSE(field.options().HasExtension(v1::metric)) << field.full_name();
        continue;
      }
      ++fields;
      ASSERT_TRUE(field.options().HasExtension(v1::metric))
          << field.full_name() << " has no option (metric); see options.proto";
      const v1::MetricOptions& options = field.options().GetExtension(v1::metric);
      EXPECT_NE(options.better(), v1::MetricOptions::BETTER_UNSPECIFIED) << field.full_name();
      EXPECT_FALSE(options.percent() && !options.unit().empty()) << field.full_name();
      EXPECT_TRUE(field.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE ||
                  field.cpp_type() == FieldDescriptor::CPPTYPE_INT32 ||
                  field.cpp_type() == FieldDescriptor::CPPTYPE_INT64)
          << field.full_name() << " has a type that the store does not know";
    }
  }
  EXPECT_GE(fields, 40);
}

TEST(MetricTest, LabelsHaveUnits) {
  const auto label = [](const char* name) {
    return LabelWithUnit(FindRunMetric("metric", name).value());
  };
  EXPECT_EQ(label("validation_loss"), "validation loss (nats)");
  EXPECT_EQ(label("elapsed_seconds"), "elapsed seconds (s)");
  EXPECT_EQ(label("samples_per_second"), "samples per second");
  EXPECT_EQ(label("theta_q05"), "θ (radians)");
  EXPECT_EQ(label("theta_count"), "theta count");
  EXPECT_EQ(label("validation_relu_f1"), "validation relu f1");
  EXPECT_EQ(label("log_loss_area"), "log loss area");
}

TEST(MetricTest, TableLabelsAreShort) {
  const auto label = [](const char* name) { return RunMetric(name).table_label; };
  EXPECT_EQ(label("validation_accuracy"), "VAL ACC");
  EXPECT_EQ(label("train_loss"), "TRAIN LOSS");
  EXPECT_EQ(label("theta_mean"), "θ MEAN");
  EXPECT_EQ(label("test_accuracy"), "TEST ACC");
  EXPECT_EQ(label("best_test_accuracy"), "BEST ACC");
  EXPECT_EQ(label("test_loss"), "TEST LOSS");
  EXPECT_EQ(label("log_loss_area"), "LOG LOSS AREA");
}

TEST(MetricTest, SharesAreInPerCent) {
  for (const char* name : {"train_accuracy", "validation_relu_f1", "test_recall"}) {
    EXPECT_TRUE(FindRunMetric("metric", name)->percent) << name;
  }
  for (const char* name : {"train_loss", "theta_mean", "convexity_violations"}) {
    EXPECT_FALSE(FindRunMetric("metric", name)->percent) << name;
  }
}

TEST(MetricTest, OnlyEqualUnitsAreComparable) {
  const auto same = [](const char* a, const char* b) {
    return SameUnit(FindRunMetric("metric", a).value(), FindRunMetric("metric", b).value());
  };
  EXPECT_TRUE(same("train_loss", "test_loss"));
  EXPECT_TRUE(same("validation_f1", "best_test_accuracy"));
  EXPECT_TRUE(same("penalty", "penalty"));
  EXPECT_FALSE(same("penalty", "learning_rate")) << "neither has a unit";
  EXPECT_FALSE(same("train_loss", "train_accuracy"));
}

TEST(MetricTest, ColumnsAndTagsAreDerivedFromTheField) {
  const auto field = [](const char* name) -> const FieldDescriptor& {
    return *FindRunMetric("metric", name)->field;
  };
  EXPECT_EQ(ColumnOf(field("train_loss")), "train_loss");
  EXPECT_EQ(ColumnOf(field("theta_mean")), "theta_mean");
  EXPECT_EQ(ColumnOf(field("best_test_loss")), "loss");
  EXPECT_EQ(FindRunMetric("metric", "theta_mean")->column, "theta_mean");
  EXPECT_EQ(TagOf(field("validation_relu_loss")), "validation_relu/loss");
  EXPECT_EQ(TagOf(field("theta_mean")), "theta/mean");
  EXPECT_EQ(TagOf(field("penalty")), "run/penalty");
  EXPECT_EQ(TagOf(field("test_loss")), "loss");
  EXPECT_EQ(CsvNameOf(field("theta_mean")), "mean") << "its parent's name is put in front";
}

TEST(MetricTest, EpochIsChosenByAPrefix) {
  const Metric best = FindRunMetric("metric", "best.validation_accuracy").value();
  EXPECT_EQ(best.pick, Metric::Pick::kBest);
  EXPECT_EQ(best.column, "validation_accuracy");
  EXPECT_EQ(best.label, "best validation accuracy");
  EXPECT_EQ(best.table_label, "BEST VAL ACC");
  EXPECT_TRUE(best.percent);
  EXPECT_EQ(FindRunMetric("metric", "min.theta_mean")->pick, Metric::Pick::kMin);
  EXPECT_EQ(FindRunMetric("metric", "max.theta_mean")->pick, Metric::Pick::kMax);
  EXPECT_EQ(FindRunMetric("metric", "mean.train_loss")->pick, Metric::Pick::kMean);
  EXPECT_EQ(FindRunMetric("metric", "last.train_loss")->name, "train_loss");
  EXPECT_EQ(Value("last.validation_loss"), 0.5);
  EXPECT_EQ(Value("min.validation_loss"), std::nullopt) << "the run does not have it";
  v1::Run run = SomeRun();
  (*run.mutable_metrics())["min.validation_loss"].set_value(0.125);
  EXPECT_EQ(ValueOf(*FindRunMetric("metric", "min.validation_loss"), run), 0.125);
  for (const char* name : {"best.theta_mean", "best.test_accuracy", "min.log_loss_area", "min."}) {
    EXPECT_FALSE(FindRunMetric("metric", name).ok()) << name;
  }
}

TEST(MetricTest, ExtremesAreOfAllEpochMetrics) {
  int best = 0;
  for (const Metric& metric : ExtremeMetrics()) {
    EXPECT_EQ(FindRunMetric("metric", metric.name)->label, metric.label);
    if (metric.pick == Metric::Pick::kBest) ++best;
  }
  EXPECT_EQ(best, 18) << "losses and scores of three kinds, two durations and the speed";
}

TEST(MetricTest, AreaNamesItsLoss) {
  EXPECT_EQ(FindRunMetric("metric", "log_loss_area")->field, nullptr);
  EXPECT_EQ(FindRunMetric("metric", "log_loss_area.train_loss")->column, "train_loss");
  EXPECT_FALSE(FindRunMetric("metric", "log_loss_area.train_accuracy").ok());
  EXPECT_FALSE(FindRunMetric("metric", "log_loss_area.test_loss").ok());
}

TEST(MetricTest, SaysWhatARunThatDivergedCountsAs) {
  const auto diverged = [](const char* name) { return FindRunMetric("metric", name)->diverged; };
  EXPECT_EQ(diverged("validation_accuracy"), v1::MetricOptions::DIVERGED_ACCURACY);
  EXPECT_EQ(diverged("best_test_precision"), v1::MetricOptions::DIVERGED_PRECISION);
  EXPECT_EQ(diverged("max.train_recall"), v1::MetricOptions::DIVERGED_RECALL);
  EXPECT_EQ(diverged("test_relu_f1"), v1::MetricOptions::DIVERGED_F1);
  EXPECT_EQ(diverged("min.validation_relu_loss"), v1::MetricOptions::DIVERGED_WORST);
  EXPECT_EQ(diverged("log_loss_area"), v1::MetricOptions::DIVERGED_WORST);
  EXPECT_EQ(diverged("theta_mean"), v1::MetricOptions::DIVERGED_UNSPECIFIED);
  EXPECT_EQ(diverged("epoch_seconds"), v1::MetricOptions::DIVERGED_UNSPECIFIED);
}

TEST(MetricTest, KnowsWhichMetricsAreOfTheTestSplit) {
  for (const char* name : {"test_accuracy", "best_test_loss", "test_relu_accuracy"}) {
    EXPECT_TRUE(FindRunMetric("metric", name)->is_of_test()) << name;
  }
  for (const char* name : {"validation_accuracy", "best.train_loss", "log_loss_area"}) {
    EXPECT_FALSE(FindRunMetric("metric", name)->is_of_test()) << name;
  }
}

TEST(MetricTest, UnsetNumbersHaveNoValue) {
  v1::Epoch epoch;
  const auto value = [&epoch](const char* name) {
    return NumberOf(epoch, *FindEpochMetric("metric", name)->field);
  };
  EXPECT_EQ(value("convexity_violations"), std::nullopt);
  EXPECT_EQ(value("train_loss"), 0);
  epoch.set_convexity_violations(0);
  EXPECT_EQ(value("convexity_violations"), 0);
}

TEST(MetricTest, RejectsUnknownNamesWithTheAvailableOnes) {
  const absl::Status status = FindRunMetric("metric", "accuracy").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("test_accuracy"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("metric is \"accuracy\""));
  EXPECT_FALSE(FindEpochMetric("threshold_metric", "test_accuracy").ok());
  EXPECT_FALSE(FindEpochMetric("threshold_metric", "log_loss_area").ok());
  EXPECT_FALSE(FindRunMetric("metric", "").ok());
  EXPECT_FALSE(FindRunMetric("metric", "layers").ok());
}

}  // namespace
}  // namespace anneal
