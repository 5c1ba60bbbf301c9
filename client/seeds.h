// `ParseSeeds` parses the value of --seeds. Pure.

#ifndef ANNEAL_CLIENT_SEEDS_H_
#define ANNEAL_CLIENT_SEEDS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal::client {

// Parses ranges and numbers: `0..3` is 0, 1, 2, 3; `1,5,9` and combinations are allowed.
// INVALID_ARGUMENT naming --seeds: a syntax error, a descending range, or more than 10,000 seeds.
absl::StatusOr<std::vector<int64_t>> ParseSeeds(absl::string_view text);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_SEEDS_H_
