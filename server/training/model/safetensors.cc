#include "server/training/model/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::training::model {
namespace {

static_assert(std::endian::native == std::endian::little, "values are little-endian");

using Json = nlohmann::json;

constexpr char kMetadata[] = "__metadata__";
constexpr size_t kLengthBytes = sizeof(uint64_t);
constexpr size_t kAlignment = 8;
// Limit of the format.
constexpr uint64_t kMaxHeader = 100'000'000;

absl::string_view TypeName(ElementType type) {
  return type == ElementType::kFloat32 ? "F32" : "F64";
}

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("not a readable safetensors file: ", what));
}

// Returns the number of bytes of a tensor, or nullopt if it overflows.
std::optional<uint64_t> ByteSize(const std::vector<int64_t>& shape, ElementType type) {
  auto size = static_cast<uint64_t>(ElementSize(type));
  for (const int64_t side : shape) {
    if (__builtin_mul_overflow(size, static_cast<uint64_t>(side), &size)) return {};
  }
  return size;
}

// Parses a list of non-negative integers. Other JSON numbers are rejected rather than converted.
std::optional<std::vector<int64_t>> NonNegativeIntegers(const Json& list) {
  if (!list.is_array()) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const Json& item : list) {
    const bool fits =
        item.is_number_unsigned() && item.get<uint64_t>() <= std::numeric_limits<int64_t>::max();
    if (!fits) return std::nullopt;
    numbers.push_back(item.get<int64_t>());
  }
  return numbers;
}

absl::StatusOr<Tensor> DecodeTensor(const std::string& name, const Json& entry,
                                    absl::string_view values, uint64_t* begin) {
  Tensor tensor{.name = name};
  const std::string type = entry.at("dtype").get<std::string>();
  if (type != "F32" && type != "F64") {
    return Damaged(absl::StrCat("tensor ", name, " has dtype ", type, "; expected F32 or F64"));
  }
  tensor.type = type == "F32" ? ElementType::kFloat32 : ElementType::kFloat64;
  const auto shape = NonNegativeIntegers(entry.at("shape"));
  const auto offsets = NonNegativeIntegers(entry.at("data_offsets"));
  if (!shape.has_value() || !offsets.has_value() || offsets->size() != 2) {
    return Damaged(absl::StrCat("tensor ", name,
                                ": shape and data_offsets must be lists of non-negative integers"));
  }
  tensor.shape = *shape;
  *begin = static_cast<uint64_t>(offsets->front());
  const auto end = static_cast<uint64_t>(offsets->back());
  if (*begin > end || end > values.size() || end - *begin != ByteSize(tensor.shape, tensor.type)) {
    return Damaged(absl::StrCat("the data_offsets of tensor ", name, " do not match its shape"));
  }
  tensor.bytes = std::string(values.substr(*begin, end - *begin));
  return tensor;
}

absl::StatusOr<SafetensorsFile> DecodeHeader(const Json& header, absl::string_view values) {
  SafetensorsFile file;
  std::vector<std::pair<uint64_t, Tensor>> ordered;
  for (const auto& [name, entry] : header.items()) {
    if (name == kMetadata) {
      file.metadata = entry.get<std::map<std::string, std::string>>();
      continue;
    }
    uint64_t begin = 0;
    ANNEAL_ASSIGN_OR_RETURN(Tensor tensor, DecodeTensor(name, entry, values, &begin));
    ordered.emplace_back(begin, std::move(tensor));
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    // An empty tensor has the same offset as the next one.
    return std::pair(a.first, a.second.bytes.size()) < std::pair(b.first, b.second.bytes.size());
  });
  // The data must cover the buffer without gaps or overlaps.
  uint64_t end = 0;
  for (auto& [begin, tensor] : ordered) {
    if (begin != end)
      return Damaged(absl::StrCat("the data of tensor ", tensor.name, " leaves a gap or overlaps"));
    end += tensor.bytes.size();
    file.tensors.push_back(std::move(tensor));
  }
  if (end != values.size()) return Damaged("data after the last tensor");
  return file;
}

}  // namespace

std::string EncodeSafetensors(const SafetensorsFile& file) {
  std::vector<const Tensor*> ordered;
  for (const Tensor& tensor : file.tensors) ordered.push_back(&tensor);
  std::stable_partition(ordered.begin(), ordered.end(),
                        [](const Tensor* tensor) { return tensor->type == ElementType::kFloat64; });
  Json header = Json::object();
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  uint64_t offset = 0;
  for (const Tensor* tensor : ordered) {
    const uint64_t end = offset + tensor->bytes.size();
    header[tensor->name] = {{"dtype", TypeName(tensor->type)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const uint64_t length = text.size();
  std::string bytes;
  bytes.reserve(kLengthBytes + text.size() + offset);
  bytes.append(reinterpret_cast<const char*>(&length), kLengthBytes);
  bytes.append(text);
  for (const Tensor* tensor : ordered) bytes.append(tensor->bytes);
  return bytes;
}

absl::StatusOr<SafetensorsFile> DecodeSafetensors(absl::string_view bytes) {
  uint64_t length = 0;
  if (bytes.size() < kLengthBytes) return Damaged("shorter than 8 bytes");
  std::memcpy(&length, bytes.data(), kLengthBytes);
  bytes.remove_prefix(kLengthBytes);
  if (length > kMaxHeader || length > bytes.size()) {
    return Damaged(absl::StrCat("the header length is ", length, " bytes"));
  }
  const absl::string_view text = bytes.substr(0, length);
  const Json header = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Damaged("the header is not a JSON object");
  try {
    return DecodeHeader(header, bytes.substr(length));
  } catch (const Json::exception& error) {
    return Damaged(error.what());
  }
}

}  // namespace anneal::training::model
