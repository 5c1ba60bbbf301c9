// These helpers give scheduling tests a store in a separate directory, and reports of runs.

#ifndef ANNEAL_TESTS_UNIT_SCHEDULING_SCHEDULING_TEST_UTIL_H_
#define ANNEAL_TESTS_UNIT_SCHEDULING_SCHEDULING_TEST_UTIL_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "server/store/checkpoint_files.h"
#include "server/store/checkpoint_store.h"
#include "server/telemetry/metrics.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::scheduling {

inline v1::RunReport Started(int64_t run) {
  v1::RunReport report;
  report.set_run_id(run);
  report.mutable_started()->set_engine("fused");
  report.mutable_started()->set_dataset_sha256("0123abcd");
  return report;
}

inline v1::RunReport EpochOf(int64_t run, int32_t epoch) {
  v1::RunReport report;
  report.set_run_id(run);
  *report.mutable_epoch() = store::SomeReport(epoch);
  report.mutable_epoch()->set_samples(100);
  return report;
}

inline v1::RunReport CheckpointOf(int64_t run, int64_t step, const std::string& contents) {
  v1::RunReport report;
  report.set_run_id(run);
  report.mutable_checkpoint()->set_step(step);
  report.mutable_checkpoint()->set_contents(contents);
  return report;
}

inline v1::RunReport Completed(int64_t run) {
  v1::RunReport report;
  report.set_run_id(run);
  *report.mutable_end()->mutable_completed()->add_test_results() =
      store::SomeResult(v1::TestResult::WEIGHTS_LAST);
  return report;
}

inline v1::RunReport Stopped(int64_t run) {
  v1::RunReport report;
  report.set_run_id(run);
  report.mutable_end()->set_stopped(true);
  return report;
}

inline v1::RunReport FailedWith(int64_t run, v1::FailureReason reason, const std::string& message) {
  v1::RunReport report;
  report.set_run_id(run);
  report.mutable_end()->mutable_failure()->set_reason(reason);
  report.mutable_end()->mutable_failure()->set_message(message);
  return report;
}

class SchedulingTest : public store::StoreTest {
 protected:
  SchedulingTest() : checkpoints_(directory_.file("checkpoints")) {}

  v1::RunState StateOf(int64_t run) {
    return Read([run](store::Connection& db) { return store::GetRunState(db, run); });
  }
  int64_t LossesOf(int64_t run) {
    return QueryInt(absl::StrCat("SELECT losses FROM runs WHERE run_id = ", run));
  }
  absl::Status SetLosses(int64_t run, int64_t losses) {
    return Write([&](store::Transaction& transaction) {
      return store::SetLosses(transaction, run, losses);
    });
  }
  std::vector<store::CheckpointRow> CheckpointsOf(int64_t run) {
    return Read([run](store::Connection& db) { return store::ListCheckpoints(db, run); });
  }
  std::string PathOf(const store::CheckpointRow& row) const {
    return checkpoints_.path(row.file.name);
  }

  const store::CheckpointFiles checkpoints_;
  telemetry::Metrics metrics_;
};

inline void Damage(const std::string& path) { std::ofstream(path) << "damaged"; }

}  // namespace anneal::scheduling

#endif  // ANNEAL_TESTS_UNIT_SCHEDULING_SCHEDULING_TEST_UTIL_H_
