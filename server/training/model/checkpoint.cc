#include "server/training/model/checkpoint.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/json_text.h"
#include "common/sha256.h"
#include "common/status.h"
#include "server/training/model/safetensors.h"

namespace anneal::training::model {
namespace {

constexpr char kFormat[] = "anneal-checkpoint-1";
constexpr absl::string_view kMoments = "optimizer.";
constexpr absl::string_view kBest = "best.";
constexpr absl::string_view kEpochStart = "epoch_start.";

absl::Status ReadMetadata(const SafetensorsFile& file, const std::string& key,
                          google::protobuf::Message* message) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) {
    return absl::DataLossError(absl::StrCat("the checkpoint has no metadata \"", key, "\""));
  }
  const absl::Status status = FromJson(found->second, message, UnknownFields::kSkip);
  if (status.ok()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("cannot parse the checkpoint's ", key, ": ", status.message()));
}

void Append(const Tensors& tensors, absl::string_view prefix, Tensors* all) {
  for (const Tensor& tensor : tensors) {
    all->push_back(tensor);
    all->back().name = absl::StrCat(prefix, tensor.name);
  }
}

}  // namespace

std::string EncodeCheckpoint(const TrainingState& state) {
  SafetensorsFile file;
  file.metadata = {{"format", kFormat},
                   {"run", state.run},
                   {"engine", state.engine},
                   {"config", ToJson(state.config)},
                   {"progress", ToJson(state.progress)}};
  Append(state.weights, "", &file.tensors);
  Append(state.moments, kMoments, &file.tensors);
  Append(state.best_weights, kBest, &file.tensors);
  Append(state.epoch_start_weights, kEpochStart, &file.tensors);
  return EncodeSafetensors(file);
}

absl::StatusOr<TrainingState> DecodeCheckpoint(absl::string_view contents) {
  ANNEAL_ASSIGN_OR_RETURN(SafetensorsFile file, DecodeSafetensors(contents));
  if (file.metadata["format"] != kFormat) {
    return absl::DataLossError(absl::StrCat("the checkpoint's format is \"",
                                            file.metadata["format"], "\"; this version reads ",
                                            kFormat));
  }
  TrainingState state;
  state.run = file.metadata["run"];
  state.engine = file.metadata["engine"];
  ANNEAL_RETURN_IF_ERROR(ReadMetadata(file, "config", &state.config));
  ANNEAL_RETURN_IF_ERROR(ReadMetadata(file, "progress", &state.progress));
  for (Tensor& tensor : file.tensors) {
    Tensors* group = &state.weights;
    for (const auto& [prefix, tensors] :
         {std::pair(kMoments, &state.moments), std::pair(kBest, &state.best_weights),
          std::pair(kEpochStart, &state.epoch_start_weights)}) {
      if (!absl::StartsWith(tensor.name, prefix)) continue;
      tensor.name.erase(0, prefix.size());
      group = tensors;
      break;
    }
    group->push_back(std::move(tensor));
  }
  return state;
}

std::string WeightsDigest(const Tensors& weights) {
  Sha256 hash;
  for (const ElementType type : {ElementType::kFloat64, ElementType::kFloat32}) {
    for (const Tensor& tensor : weights) {
      if (tensor.type == type) hash.Update(tensor.bytes);
    }
  }
  return hash.HexDigest();
}

}  // namespace anneal::training::model
