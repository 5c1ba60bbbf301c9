// `TfRecord` frames a record as in TensorBoard's event files. Pure.

#ifndef ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_
#define ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace anneal::client::exporters {

// Returns the CRC-32C (Castagnoli; RFC 3720, appendix B.4).
uint32_t Crc32c(absl::string_view bytes);

// Returns length, masked CRC of the length, payload and masked CRC of the payload; little-endian.
// Masking rotates a CRC right by 15 bits and adds 0xa282ead8, so that the CRC of data that contains
// CRCs stays useful.
std::string TfRecord(absl::string_view payload);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_TFRECORD_H_
