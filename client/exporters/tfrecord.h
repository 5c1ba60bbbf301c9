// TFRecord, the framing of TensorBoard's event files. Pure.

#ifndef ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_
#define ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace anneal::client::exporters {

// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
uint32_t Crc32c(absl::string_view bytes);

// Length, its masked CRC, payload, its masked CRC; little-endian. A CRC is masked by rotating it
// right by 15 bits and adding 0xa282ead8, so that CRCs of data with CRCs in it stay of use.
std::string TfRecord(absl::string_view payload);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_
