// These functions convert messages to JSON columns and back. Only the store's own files include
// this: its callers pass and receive messages. Thread-safe.

#ifndef ANNEAL_SERVER_STORE_MESSAGE_COLUMN_H_
#define ANNEAL_SERVER_STORE_MESSAGE_COLUMN_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/map.h"
#include "google/protobuf/message.h"
#include "server/store/transaction.h"

namespace anneal::store {

// Returns `message` as compact JSON of its set fields. Equal messages give equal text. The texts of
// recent messages are cached, because printing one takes ten times as long as the rest of a
// submission's checks, and users submit the same configs and networks repeatedly.
std::string ToColumn(const google::protobuf::Message& message);

// Parses a column. Unknown fields are skipped, so that rows of older and newer versions stay
// readable. DATA_LOSS: the text is not JSON of the message's type.
absl::Status FromColumn(absl::string_view text, google::protobuf::Message* message);

// The same for a run's sweep parameters, by field path: an object of strings.
std::string ParametersToColumn(const std::map<std::string, std::string>& parameters);
absl::Status ParametersFromColumn(absl::string_view text,
                                  google::protobuf::Map<std::string, std::string>* parameters);

// Returns the numbers of a JSON array of whole numbers.
std::vector<int32_t> NumbersFromColumn(absl::string_view text);

// Return the key of the row that holds the text, and insert it if it is new: equal configs,
// networks, splits and provenances are stored once.
absl::StatusOr<int64_t> ConfigKey(Transaction& transaction, absl::string_view json);
absl::StatusOr<int64_t> NetworkKey(Transaction& transaction, absl::string_view json);
absl::StatusOr<int64_t> SplitKey(Transaction& transaction, absl::string_view json);
absl::StatusOr<int64_t> ProvenanceKey(Transaction& transaction, absl::string_view json);

// Deletes the configs, networks, splits and provenances that no row refers to.
absl::Status RemoveUnusedMessages(Transaction& transaction);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_MESSAGE_COLUMN_H_
