#include "server/store/message_column.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/json_text.h"
#include "common/mutex.h"
#include "common/status.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/struct.pb.h"
#include "nlohmann/json.hpp"

namespace anneal::store {
namespace {

// Caches the texts of recent messages by their deterministic serialisation. Thread-safe.
class RecentTexts {
 public:
  std::string Of(const google::protobuf::Message& message) ABSL_LOCKS_EXCLUDED(mutex_) {
    std::string key = message.GetTypeName();
    {
      google::protobuf::io::StringOutputStream stream(&key);  // appends
      google::protobuf::io::CodedOutputStream coded(&stream);
      coded.SetSerializationDeterministic(true);
      message.SerializeToCodedStream(&coded);
    }
    {
      MutexLock lock(&mutex_);
      if (const auto found = texts_.find(key); found != texts_.end()) return found->second;
    }
    std::string text = ToJson(message);
    MutexLock lock(&mutex_);
    if (texts_.size() >= kCapacity) texts_.clear();
    texts_.emplace(std::move(key), text);
    return text;
  }

 private:
  static constexpr size_t kCapacity = 256;

  Mutex mutex_;
  absl::flat_hash_map<std::string, std::string> texts_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<int64_t> FindOrInsert(Connection& db, absl::string_view find,
                                     absl::string_view insert, absl::string_view json) {
  {
    Statement query = db.Prepare(find);
    query.Bind(json);
    const bool found = query.Next();
    ANNEAL_RETURN_IF_ERROR(query.status());
    if (found) return query.Int(0);
  }
  Statement statement = db.Prepare(insert);
  ANNEAL_RETURN_IF_ERROR(statement.Bind(json).Run());
  return db.last_insert_rowid();
}

}  // namespace

std::string ToColumn(const google::protobuf::Message& message) {
  static auto& recent = *new RecentTexts();
  return recent.Of(message);
}

absl::Status FromColumn(absl::string_view text, google::protobuf::Message* message) {
  const absl::Status status = FromJson(text, message, UnknownFields::kSkip);
  if (status.ok()) return status;
  return absl::DataLossError(absl::StrCat("cannot read a stored ", message->GetDescriptor()->name(),
                                          ": ", status.message(),
                                          "; check the database with `anneald check`"));
}

std::string ParametersToColumn(const std::map<std::string, std::string>& parameters) {
  google::protobuf::Struct json;
  for (const auto& [field, value] : parameters) {
    (*json.mutable_fields())[field].set_string_value(value);
  }
  return ToColumn(json);
}

absl::Status ParametersFromColumn(absl::string_view text,
                                  google::protobuf::Map<std::string, std::string>* parameters) {
  // Not by way of a Struct, which takes several times as long for each row of a list.
  const auto json = nlohmann::json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError(absl::StrCat("cannot read stored parameters, ", Quoted(text),
                                            ": expected a JSON object",
                                            "; check the database with `anneald check`"));
  }
  for (const auto& [field, value] : json.items()) {
    if (value.is_string()) (*parameters)[field] = value.get<std::string>();
  }
  return absl::OkStatus();
}

std::vector<int32_t> NumbersFromColumn(absl::string_view text) {
  std::vector<int32_t> numbers;
  for (const absl::string_view part :
       absl::StrSplit(text, absl::ByAnyChar("[],"), absl::SkipEmpty())) {
    int32_t number = 0;
    if (absl::SimpleAtoi(part, &number)) numbers.push_back(number);
  }
  return numbers;
}

absl::StatusOr<int64_t> ConfigKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT config_id FROM configs WHERE json = ?",
                      "INSERT INTO configs (json) VALUES (?)", json);
}

absl::StatusOr<int64_t> NetworkKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT network_id FROM networks WHERE json = ?",
                      "INSERT INTO networks (json) VALUES (?)", json);
}

absl::StatusOr<int64_t> SplitKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT split_id FROM splits WHERE json = ?",
                      "INSERT INTO splits (json) VALUES (?)", json);
}

absl::StatusOr<int64_t> ProvenanceKey(Transaction& transaction, absl::string_view json) {
  return FindOrInsert(transaction.db(), "SELECT provenance_id FROM provenances WHERE json = ?",
                      "INSERT INTO provenances (json) VALUES (?)", json);
}

absl::Status RemoveUnusedMessages(Transaction& transaction) {
  for (const absl::string_view sql :
       {"DELETE FROM configs WHERE NOT EXISTS"
        " (SELECT 1 FROM runs r WHERE r.config_id = configs.config_id)",
        "DELETE FROM networks WHERE NOT EXISTS"
        " (SELECT 1 FROM runs r WHERE r.network_id = networks.network_id) AND NOT EXISTS"
        " (SELECT 1 FROM experiments e WHERE e.network_id = networks.network_id)",
        "DELETE FROM splits WHERE NOT EXISTS"
        " (SELECT 1 FROM runs r WHERE r.split_id = splits.split_id)",
        "DELETE FROM provenances WHERE NOT EXISTS"
        " (SELECT 1 FROM attempts a WHERE a.provenance_id = provenances.provenance_id)"}) {
    ANNEAL_RETURN_IF_ERROR(transaction.db().Prepare(sql).Run());
  }
  return absl::OkStatus();
}

}  // namespace anneal::store
