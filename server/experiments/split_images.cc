#include "server/experiments/split_images.h"

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "server/store/run_store.h"
#include "server/training/data/randomness.h"

namespace anneal::experiments {
namespace {

using Request = v1::ListSplitImagesRequest;

absl::Status CheckEpoch(const v1::Run& run, Request::Part part, int32_t epoch) {
  if (part != Request::PART_EPOCH || (epoch >= 1 && epoch <= run.epochs_total())) {
    return absl::OkStatus();
  }
  return InvalidField("epoch",
                      absl::StrCat("is ", epoch, "; the run's epochs are 1..", run.epochs_total()));
}

absl::Status CheckDataset(const v1::Run& run, const training::data::Dataset& dataset) {
  if (run.dataset_sha256().empty() || run.dataset_sha256() == dataset.sha256) {
    return absl::OkStatus();
  }
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "data set ", run.config().dataset().name(), " has changed since ",
          ShortenName(run.name()), " was trained: its SHA-256 was ", run.dataset_sha256(),
          " and is ", dataset.sha256, "; restore the old files")),
      v1::ERROR_REASON_DATASET_CHANGED);
}

// The registry's error for a missing data set is of a config, but the request has none.
absl::Status AsNotFound(const absl::Status& status) {
  return absl::IsInvalidArgument(status) ? absl::NotFoundError(status.message()) : status;
}

}  // namespace

absl::StatusOr<std::vector<int32_t>> SplitImages::List(const RunName& name, Request::Part part,
                                                       int32_t epoch) {
  ANNEAL_ASSIGN_OR_RETURN(const v1::Run run, store_->Read([&](store::Connection& db) {
    return store::GetRun(db, name, v1::RUN_VIEW_FULL);
  }));
  ANNEAL_RETURN_IF_ERROR(CheckEpoch(run, part, epoch));
  const auto dataset = datasets_->Get(run.config().dataset().name());
  if (!dataset.ok()) return AsNotFound(dataset.status());
  ANNEAL_RETURN_IF_ERROR(CheckDataset(run, **dataset));
  ANNEAL_ASSIGN_OR_RETURN(const config::RunPlan plan,
                          config::PlanRun(run.config(), (*dataset)->shape()));
  training::data::Split split =
      training::data::SplitTrainingFile(plan, (*dataset)->train.count(), run.seed());
  switch (part) {
    case Request::PART_TRAIN:
      return std::move(split.train);
    case Request::PART_VALIDATION:
      return std::move(split.validation);
    case Request::PART_EPOCH:
      return training::data::EpochOrder(split.train, run.seed(), epoch - 1);
    default:
      return InvalidField("part", "is unset or unknown; allowed are TRAIN, VALIDATION and EPOCH");
  }
}

}  // namespace anneal::experiments
