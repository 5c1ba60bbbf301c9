// `ErrorText` puts an error of the daemon, which is in the terms of the API, in those of the
// command line. Pure.

#ifndef ANNEAL_CLIENT_ERROR_TEXT_H_
#define ANNEAL_CLIENT_ERROR_TEXT_H_

#include <string>

#include "absl/status/status.h"

namespace anneal::client {

// Returns the status's message with the request field that a line begins with replaced by the
// option that sets it (`order_by` by `--sort`, `axes.0.values` by `--sweep`) or by "the name" for
// an argument, and resource names outside of quotes shortened (`experiments/first/runs/0` to
// `first/0`). Config fields keep their names, which --set and --sweep take, and so does what the
// user wrote: the status's BadRequest tells the request's fields from them.
std::string ErrorText(const absl::Status& status);

}  // namespace anneal::client

#endif  // ANNEAL_CLIENT_ERROR_TEXT_H_
