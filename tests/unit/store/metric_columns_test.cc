// Tests that every metric of the API has a column, and that columns are bound and read by the
// fields' options.

#include "server/store/metric_columns.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "anneal/v1/resources.pb.h"
#include "common/metric.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/extreme_store.h"
#include "tests/unit/common/test_util.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using ::testing::StartsWith;

TEST(MetricColumnsTest, NamesAreFieldNamesFollowedByTheta) {
  const MetricColumns layers(*v1::LayerMetrics::descriptor());
  EXPECT_EQ(layers.names(), "gradient_norm, linear_gap, negative_share");
  EXPECT_EQ(layers.placeholders(), "?, ?, ?");
  const MetricColumns epochs(*v1::Epoch::descriptor());
  EXPECT_THAT(epochs.names(), StartsWith("epoch, elapsed_seconds, "));
  EXPECT_TRUE(epochs.Has("theta_q05"));
  EXPECT_TRUE(epochs.Has("hessian_min_eigenvalue"));
  EXPECT_FALSE(epochs.Has("theta"));
  EXPECT_FALSE(epochs.Has("layers"));
  EXPECT_FALSE(epochs.Has("run_id"));
  EXPECT_EQ(epochs.IndexOf("epoch"), 0);
  EXPECT_EQ(epochs.IndexOf("elapsed_seconds"), 1);
  EXPECT_EQ(epochs.IndexOf("layers"), -1);
}

class MetricSchemaTest : public StoreTest {
 protected:
  struct ColumnInfo {
    std::string type;
    bool not_null = false;
  };
  std::map<std::string, ColumnInfo> ColumnsOf(const std::string& table) {
    return Read([&](Connection& db) -> absl::StatusOr<std::map<std::string, ColumnInfo>> {
      std::map<std::string, ColumnInfo> columns;
      Statement query = db.Prepare("SELECT name, type, \"notnull\" FROM pragma_table_info(?)");
      query.Bind(table);
      while (query.Next()) {
        columns[query.Text(0)] = {.type = query.Text(1), .not_null = query.Int(2) != 0};
      }
      if (!query.status().ok()) return query.status();
      return columns;
    });
  }
  void ExpectColumns(const Descriptor& type, const std::string& table) {
    const auto columns = ColumnsOf(table);
    ASSERT_FALSE(columns.empty()) << table;
    for (const FieldDescriptor* field : MetricFields(type)) {
      const std::string column = ColumnOf(*field);
      const bool is_real = field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
      const std::string remedy = absl::StrCat(
          "the metric ", field->full_name(), " needs a column: make the field optional, ",
          "and add a migration with ALTER TABLE ", table, " ADD COLUMN ", column, " ",
          is_real ? "REAL" : "INTEGER");
      const auto found = columns.find(column);
      ASSERT_NE(found, columns.end()) << remedy;
      EXPECT_EQ(found->second.type, is_real ? "REAL" : "INTEGER") << remedy;
      EXPECT_EQ(found->second.not_null, !field->has_presence()) << remedy;
    }
  }
};

TEST_F(MetricSchemaTest, EveryMetricHasAColumnInTheMigratedDatabase) {
  ExpectColumns(*v1::Epoch::descriptor(), "epochs");
  ExpectColumns(*v1::ThetaSummary::descriptor(), "epochs");
  ExpectColumns(*v1::LayerMetrics::descriptor(), "layer_epochs");
  ExpectColumns(*v1::TestResult::descriptor(), "test_results");
}

TEST_F(MetricSchemaTest, EveryMetricOfEpochsHasItsExtremes) {
  const auto columns = ColumnsOf("run_extremes");
  for (const Metric& metric : ExtremeMetrics()) {
    const std::string column = ExtremeColumn(metric);
    const bool is_real = metric.field->cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE;
    const std::string type = is_real ? "REAL" : "INTEGER";
    const std::string remedy =
        absl::StrCat("the metric ", metric.name, " needs a column: add to its migration",
                     " ALTER TABLE run_extremes ADD COLUMN ", column, " ", type);
    const auto found = columns.find(column);
    ASSERT_NE(found, columns.end()) << remedy;
    EXPECT_EQ(found->second.type, type) << remedy;
    EXPECT_FALSE(found->second.not_null) << column;
  }
  EXPECT_EQ(columns.size(), ExtremeMetrics().size() + 1) << "and run_id";
}

TEST_F(MetricSchemaTest, ViewsForOtherProgramsHaveEveryMetric) {
  const auto view = ColumnsOf("epoch_metrics");
  for (const Descriptor* type : {v1::Epoch::descriptor(), v1::ThetaSummary::descriptor()}) {
    for (const FieldDescriptor* field : MetricFields(*type)) {
      EXPECT_TRUE(view.contains(ColumnOf(*field))) << field->full_name();
    }
  }
}

}  // namespace
}  // namespace anneal::store
