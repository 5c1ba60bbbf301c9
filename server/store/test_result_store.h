// These functions read and write results on the test split, with their confusion matrices.

#ifndef ANNEAL_SERVER_STORE_TEST_RESULT_STORE_H_
#define ANNEAL_SERVER_STORE_TEST_RESULT_STORE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Inserts a result. ALREADY_EXISTS: the run has a result for these weights.
absl::Status InsertTestResult(Transaction& transaction, int64_t run_key,
                              const v1::TestResult& result);

// Lists a run's results, LAST before BEST. `full` adds the confusion matrix and the scores of each
// class.
absl::StatusOr<std::vector<v1::TestResult>> ListTestResults(Connection& db, int64_t run_key,
                                                            bool full);

// Turns a run's results into earlier ones, before it is extended.
absl::Status KeepAsEarlierTestResults(Transaction& transaction, int64_t run_key);

// Lists the results that a run had before it was extended, the latest first, otherwise as
// ListTestResults.
absl::StatusOr<std::vector<v1::TestResult>> ListEarlierTestResults(Connection& db, int64_t run_key,
                                                                   bool full);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_TEST_RESULT_STORE_H_
