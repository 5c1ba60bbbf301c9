// `ErrorText` puts an error of the daemon, which is in the terms of the API, in those of the
// command line. Pure.

#ifndef ANNEAL_CLIENT_ERROR_TEXT_H_
#define ANNEAL_CLIENT_ERROR_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace anneal::client {

// Returns `message` with each line's request field, its first word, replaced by the option that
// sets it (`order_by` by `--sort`, `axes.0.values` by `--sweep`), and resource names outside of
// quotes shortened (`experiments/first/runs/0` to `first/0`). Config fields keep their names, which
// --set and --sweep take.
std::string ErrorText(absl::string_view message);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_ERROR_TEXT_H_
