// `ReadIdx` reads the IDX format of the MNIST family, plain or gzipped: a big-endian header, then
// unsigned bytes. Format: http://yann.lecun.com/exdb/mnist/ . Thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_DATA_IDX_H_
#define ANNEAL_SERVER_TRAINING_DATA_IDX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anneal::training::data {

struct IdxArray {
  std::vector<int64_t> shape;   // 1 to 3 dimensions, each at least 1
  std::vector<uint8_t> values;  // row-major
  std::string header;           // the bytes before the values, for hashing
};

// Reads an array of `dimensions` dimensions. NOT_FOUND if the file cannot be opened. DATA_LOSS if
// it is not IDX of unsigned bytes, has another number of dimensions, exceeds 4 GiB, is shorter or
// longer than its header says, or is damaged gzip. The message names the file and what was
// expected.
absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int dimensions);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_IDX_H_
