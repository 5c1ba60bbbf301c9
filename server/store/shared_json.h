// Texts that many rows have in common, stored once: configs and networks.

#ifndef ANNEAL_SERVER_STORE_SHARED_JSON_H_
#define ANNEAL_SERVER_STORE_SHARED_JSON_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/store/transaction.h"

namespace anneal::store {

// The key of the text, which is stored if it is new.
absl::StatusOr<int64_t> ConfigKey(Transaction& transaction, absl::string_view json);
absl::StatusOr<int64_t> NetworkKey(Transaction& transaction, absl::string_view json);

// Removes the texts that no row has any more.
absl::Status RemoveUnusedJson(Transaction& transaction);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_SHARED_JSON_H_
