// These tables contain byte sequences that violate HTTP/2.

#ifndef ANNEAL_TESTS_E2E_MALFORMED_FRAMES_H_
#define ANNEAL_TESTS_E2E_MALFORMED_FRAMES_H_

#include <random>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace anneal {

struct Malformed {
  std::string name;
  std::string bytes;
  bool is_cut = false;  // truncated: the peer waits for the rest
};

// `method` is the path of an existing method.
std::vector<Malformed> MalformedFrames(absl::string_view method);

std::string RandomBytes(std::mt19937* random, size_t size);
// Returns complete frames of random types, flags, streams and payloads.
std::string RandomFrames(std::mt19937* random, absl::string_view method);

// Returns HPACK header fields that gRPC interprets, with invalid values.
std::vector<std::string> FieldsOfGrpc();

// A header list: its beginning, and a part to repeat without end.
struct Endless {
  std::string name;
  std::string begin;
  std::string part;
};
std::vector<Endless> EndlessHeaders(absl::string_view method);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_MALFORMED_FRAMES_H_
