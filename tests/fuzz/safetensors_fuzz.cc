// Fuzzes safetensors files, the format of checkpoints, raw and with a fixed header length: accepted
// files round-trip, others are DATA_LOSS.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/training/model/checkpoint.h"
#include "server/training/model/safetensors.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

void Try(const std::string& bytes) {
  const auto state = training::model::DecodeCheckpoint(bytes);
  Require(state.ok() || absl::IsDataLoss(state.status()), "a bad checkpoint is DATA_LOSS");
  const auto file = training::model::DecodeSafetensors(bytes);
  if (!file.ok()) {
    Require(absl::IsDataLoss(file.status()), "a damaged file is DATA_LOSS");
    Require(!state.ok(), "a damaged file is no checkpoint");
    return;
  }
  const std::string written = training::model::EncodeSafetensors(*file);
  const auto again = training::model::DecodeSafetensors(written);
  RequireOk(again.status(), "what was written can be read");
  Require(again->metadata == file->metadata, "metadata stay");
  Require(again->tensors.size() == file->tensors.size(), "tensors stay");
  Require(training::model::EncodeSafetensors(*again) == written, "written twice it is the same");
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  anneal::fuzz::Try(input);
  // The first line is the header.
  const uint64_t length = input.substr(0, input.find('\n')).size();
  std::string prefix(sizeof(length), '\0');
  std::memcpy(prefix.data(), &length, sizeof(length));
  std::string body = input;
  if (length < body.size()) body.erase(length, 1);
  anneal::fuzz::Try(absl::StrCat(prefix, body));
  return 0;
}
