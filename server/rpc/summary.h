// Means and deviations over the runs of experiments, arm by arm.

#ifndef ANNEAL_SERVER_RPC_SUMMARY_H_
#define ANNEAL_SERVER_RPC_SUMMARY_H_

#include "absl/status/statusor.h"
#include "anneal/v1/services.pb.h"
#include "server/store/store.h"

namespace anneal::rpc {

// As ExperimentService.SummarizeExperiments documents. Blocks on the disk.
absl::StatusOr<v1::SummarizeExperimentsResponse> Summarize(
    store::Store* store, const v1::SummarizeExperimentsRequest& request);

}  // namespace anneal::rpc

#endif  // ANNEAL_SERVER_RPC_SUMMARY_H_
