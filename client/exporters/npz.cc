#include "client/exporters/npz.h"

#include <isa-l/crc.h>

#include <bit>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace anneal::client::exporters {
namespace {

static_assert(std::endian::native == std::endian::little, "both formats are little-endian");

constexpr uint32_t kMemberSignature = 0x04034b50;
constexpr uint32_t kEntrySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint16_t kVersion = 20;
constexpr uint16_t kFirstOfJanuary1980 = 1 << 5 | 1;
// 0xffff members, and 0xffffffff bytes, stand for the 64-bit extension.
constexpr uint64_t kMostMembers = std::numeric_limits<uint16_t>::max() - 1;
constexpr uint64_t kMostBytes = std::numeric_limits<uint32_t>::max() - 1;

template <typename... Numbers>
std::string LittleEndian(Numbers... numbers) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&numbers), sizeof(numbers)), ...);
  return bytes;
}

// Returns the CRC-32 of IEEE 802.3, which zip archives use.
uint32_t ZipCrc(absl::string_view bytes) {
  return crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

// Returns the fields that a member's header and its entry in the directory have in common.
std::string CommonFields(absl::string_view name, absl::string_view contents) {
  constexpr uint16_t kNoFlags = 0;
  constexpr uint16_t kStored = 0;
  constexpr uint16_t kMidnight = 0;
  constexpr uint16_t kNoExtra = 0;
  const auto size = static_cast<uint32_t>(contents.size());
  return LittleEndian(kVersion, kNoFlags, kStored, kMidnight, kFirstOfJanuary1980, ZipCrc(contents),
                      size, size, static_cast<uint16_t>(name.size()), kNoExtra);
}

std::string Entry(absl::string_view name, absl::string_view common, uint64_t offset) {
  constexpr uint16_t kNone = 0;  // comment, number of the disk, internal attributes
  constexpr uint32_t kNoAttributes = 0;
  return absl::StrCat(
      LittleEndian(kEntrySignature, kVersion), common,
      LittleEndian(kNone, kNone, kNone, kNoAttributes, static_cast<uint32_t>(offset)), name);
}

std::string End(uint64_t members, uint64_t directory_bytes, uint64_t offset) {
  constexpr uint16_t kFirstDisk = 0;
  constexpr uint16_t kNoComment = 0;
  const auto count = static_cast<uint16_t>(members);
  return LittleEndian(kEndSignature, kFirstDisk, kFirstDisk, count, count,
                      static_cast<uint32_t>(directory_bytes), static_cast<uint32_t>(offset),
                      kNoComment);
}

}  // namespace

std::string Npy(absl::Span<const int32_t> values) {
  constexpr absl::string_view kMagic("\x93NUMPY\x01\x00", 8);
  constexpr size_t kAlignment = 64;
  std::string header =
      absl::StrCat("{'descr': '<i4', 'fortran_order': False, 'shape': (", values.size(), ",), }");
  // Up to the values, with the header's length and the line break that ends it.
  const size_t size = kMagic.size() + sizeof(uint16_t) + header.size() + 1;
  header.append((kAlignment - size % kAlignment) % kAlignment, ' ');
  header.push_back('\n');
  return absl::StrCat(kMagic, LittleEndian(static_cast<uint16_t>(header.size())), header,
                      absl::string_view(reinterpret_cast<const char*>(values.data()),
                                        values.size() * sizeof(int32_t)));
}

absl::Status NpzFile::Add(absl::string_view name, absl::Span<const int32_t> values) {
  const std::string member = absl::StrCat(name, ".npy");
  const std::string contents = Npy(values);
  const std::string common = CommonFields(member, contents);
  const std::string header = absl::StrCat(LittleEndian(kMemberSignature), common, member);
  const std::string entry = Entry(member, common, offset_);
  const uint64_t end = offset_ + header.size() + contents.size();
  if (members_ == kMostMembers || end + directory_.size() + entry.size() > kMostBytes) {
    return absl::OutOfRangeError(absl::StrCat("the archive would exceed ", kMostMembers,
                                              " arrays or 4 GiB; write several files"));
  }
  file_.Write(header);
  file_.Write(contents);
  directory_ += entry;
  offset_ = end;
  ++members_;
  return file_.status();
}

absl::Status NpzFile::Finish() {
  file_.Write(directory_);
  file_.Write(End(members_, directory_.size(), offset_));
  return file_.Finish();
}

}  // namespace anneal::client::exporters
