#include "server/training/model/checkpoint.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/sha256.h"
#include "common/status.h"
#include "google/protobuf/util/json_util.h"
#include "server/training/model/safetensors.h"

namespace anneal::training::model {
namespace {

constexpr char kFormat[] = "anneal-checkpoint-1";
constexpr absl::string_view kMoments = "optimizer.";
constexpr absl::string_view kBest = "best.";
constexpr absl::string_view kEpochStart = "epoch_start.";

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages that contain an Any; these do not.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

absl::Status FromJson(const SafetensorsFile& file, const std::string& key,
                      google::protobuf::Message* message) {
  const auto found = file.metadata.find(key);
  if (found == file.metadata.end()) {
    return absl::DataLossError(absl::StrCat("the checkpoint has no metadata \"", key, "\""));
  }
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status = google::protobuf::util::JsonStringToMessage(found->second, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("cannot parse the checkpoint's ", key, ": ", std::string(status.message())));
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
  ANNEAL_RETURN_IF_ERROR(FromJson(file, "config", &state.config));
  ANNEAL_RETURN_IF_ERROR(FromJson(file, "progress", &state.progress));
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
