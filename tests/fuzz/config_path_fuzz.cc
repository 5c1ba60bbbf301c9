// Fuzzes PATH=VALUE as in --set: accepted values round-trip; refusals leave the config unchanged
// and are INVALID_ARGUMENT.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "anneal/v1/config.pb.h"
#include "common/config/field_path.h"
#include "common/config/presets.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

using google::protobuf::util::MessageDifferencer;

bool IsSame(const v1::TrainingConfig& a, const v1::TrainingConfig& b) {
  MessageDifferencer differencer;
  // NaN equals NaN here.
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  return differencer.Compare(a, b);
}

void Try(const v1::TrainingConfig& start, const std::string& path, const std::string& value) {
  v1::TrainingConfig config = start;
  const absl::Status status = config::SetField(&config, path, value);
  if (!status.ok()) {
    Require(absl::IsInvalidArgument(status), "what is not understood is INVALID_ARGUMENT");
    Require(IsSame(config, start), "what is refused changes nothing");
    return;
  }
  const auto read = config::GetField(config, path);
  RequireOk(read.status(), "what was set can be read");
  if (*read == "-") return;  // an empty list, or message
  v1::TrainingConfig again = start;
  RequireOk(config::SetField(&again, path, *read), "what was read can be set");
  Require(IsSame(config, again), "what was read means the same");
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& deep = *new anneal::v1::TrainingConfig(
      anneal::config::FindPreset("presets/deep-annealed")->config());
  const std::pair<std::string, std::string> parts = absl::StrSplit(
      absl::string_view(reinterpret_cast<const char*>(data), size), absl::MaxSplits('=', 1));
  anneal::fuzz::Try({}, parts.first, parts.second);
  anneal::fuzz::Try(deep, parts.first, parts.second);
  return 0;
}
