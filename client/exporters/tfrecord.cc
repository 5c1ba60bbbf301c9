#include "client/exporters/tfrecord.h"

#include <isa-l/crc.h>

#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace anneal::client::exporters {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

template <typename Number>
std::string Bytes(Number number) {
  std::string bytes(sizeof(number), '\0');
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}

uint32_t MaskedCrc(absl::string_view bytes) { return std::rotr(Crc32c(bytes), 15) + 0xa282ead8U; }

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  // crc32_iscsi does not modify the data; its prototype lacks const.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0U);
}

std::string TfRecord(absl::string_view payload) {
  const std::string length = Bytes<uint64_t>(payload.size());
  return absl::StrCat(length, Bytes(MaskedCrc(length)), payload, Bytes(MaskedCrc(payload)));
}

}  // namespace anneal::client::exporters
