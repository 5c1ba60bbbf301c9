// Messages as JSON columns, and times as integer columns. Pure and thread-safe; the texts of recent
// messages are kept.

#ifndef ANNEAL_SERVER_STORE_JSON_H_
#define ANNEAL_SERVER_STORE_JSON_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"

namespace anneal::store {

// Compact; only what is set.
std::string ToColumn(const google::protobuf::Message& message);

// DATA_LOSS if the text is not JSON of the message's type. Fields it does not know are skipped, so
// that an older daemon's rows stay readable.
absl::Status FromColumn(absl::string_view text, google::protobuf::Message* message);

google::protobuf::Timestamp ToTimestamp(int64_t micros);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_JSON_H_
