#include "server/experiments/looks.h"

#include "common/status.h"
#include "server/store/experiment_store.h"
#include "server/store/look_store.h"

namespace anneal::experiments {

absl::StatusOr<int> Looks::Record(const std::set<std::string>& experiment_ids,
                                  const v1::Look& look) {
  int recorded = 0;
  const absl::Status status = store_->Write([&](store::Transaction& transaction) -> absl::Status {
    recorded = 0;
    for (const std::string& id : experiment_ids) {
      const auto key = store::ExperimentKey(transaction.db(), id);
      if (absl::IsNotFound(key.status())) continue;
      ANNEAL_RETURN_IF_ERROR(key.status());
      ANNEAL_ASSIGN_OR_RETURN(const bool is_new,
                              store::RecordLook(transaction, *key, look, clock_()));
      if (is_new) ++recorded;
    }
    return absl::OkStatus();
  });
  ANNEAL_RETURN_IF_ERROR(status);
  return recorded;
}

}  // namespace anneal::experiments
