// Tables of what no HTTP/2 client should send.

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
  bool is_cut = false;  // more would have to follow
};

// `method` is the path of one that can be called.
std::vector<Malformed> MalformedFrames(absl::string_view method);

std::string RandomBytes(std::mt19937* random, size_t size);
// Whole frames of random types, flags, streams and payloads.
std::string RandomFrames(std::mt19937* random, absl::string_view method);

// Header fields, in HPACK, that gRPC itself gives a meaning to, with values that have none.
std::vector<std::string> FieldsOfGrpc();

// A header list that begins, and goes on with the same part over and over.
struct Endless {
  std::string name;
  std::string begin;
  std::string part;
};
std::vector<Endless> EndlessHeaders(absl::string_view method);

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_MALFORMED_FRAMES_H_
