// The safetensors file format: eight bytes with the length of a JSON header (little-endian), the
// header, then the tensors' values without gaps. https://huggingface.co/docs/safetensors

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
  // In the order of their values in the file.
  Tensors tensors;
};

// Names must be distinct. The 8-byte elements come first, so that all values are aligned; otherwise
// the order is kept.
std::string EncodeSafetensors(const SafetensorsFile& file);

// DATA_LOSS when the bytes are not such a file, or hold element types other than F32 and F64.
absl::StatusOr<SafetensorsFile> DecodeSafetensors(absl::string_view bytes);

}  // namespace anneal::training::model

#endif  // ANNEAL_SERVER_TRAINING_MODEL_SAFETENSORS_H_
