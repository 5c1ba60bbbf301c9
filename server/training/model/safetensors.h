// `EncodeSafetensors` and `DecodeSafetensors` implement the safetensors file format: the length of
// a JSON header (8 bytes, little-endian), the header, then the tensors' values without gaps.
// https://huggingface.co/docs/safetensors . Pure; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_MODEL_SAFETENSORS_H_
#define ANNEAL_SERVER_TRAINING_MODEL_SAFETENSORS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/training/model/tensors.h"

namespace anneal::training::model {

struct SafetensorsFile {
  std::map<std::string, std::string> metadata;
  // In the order of their data in the file.
  Tensors tensors;
};

// Encodes tensors of distinct names. Float64 tensors are stored first, so that all values are
// aligned; otherwise the order is kept.
std::string EncodeSafetensors(const SafetensorsFile& file);

// Decodes a file. DATA_LOSS if the bytes are not safetensors or have element types other than F32
// and F64.
absl::StatusOr<SafetensorsFile> DecodeSafetensors(absl::string_view bytes);

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_SAFETENSORS_H_
