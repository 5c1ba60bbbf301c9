// `Compare` computes ExperimentService.CompareExperiments: arms, their means and their paired
// differences.

#ifndef ANNEAL_SERVER_ANALYSIS_COMPARISON_H_
#define ANNEAL_SERVER_ANALYSIS_COMPARISON_H_

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "server/store/store.h"

namespace anneal::analysis {

// As the service documents. Blocks on the disk.
absl::StatusOr<v1::CompareExperimentsResponse> Compare(
    store::Store* store, const v1::CompareExperimentsRequest& request);

}  // namespace anneal::analysis

#endif  // ANNEAL_SERVER_ANALYSIS_COMPARISON_H_
