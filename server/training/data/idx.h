// The IDX format of the MNIST family: big-endian header, then unsigned bytes. Plain or gzip.
// Format: http://yann.lecun.com/exdb/mnist/ . Pure but for reading the file; thread-safe.

#ifndef ANNEAL_SERVER_TRAINING_DATA_IDX_H_
#define ANNEAL_SERVER_TRAINING_DATA_IDX_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace anneal::training::data {

struct IdxArray {
  std::vector<int64_t> shape;  // 1 to 3 sides, each at least 1
  std::vector<uint8_t> values;
  std::string header;  // the bytes before the values, for hashing
};

// NOT_FOUND: no such file. DATA_LOSS: not IDX of unsigned bytes, of another number of dimensions,
// larger than 4 GiB, shorter or longer than its header says, or damaged gzip. The message names the
// file and what was expected.
absl::StatusOr<IdxArray> ReadIdx(const std::string& path, int dimensions);

}  // namespace anneal::training::data

#endif  // ANNEAL_SERVER_TRAINING_DATA_IDX_H_
