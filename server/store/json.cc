#include "server/store/json.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/time_util.h"

namespace anneal::store {

namespace {

std::string Print(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages with unknown Any types, of which we store none.
  (void)google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

// The texts of recent messages. Printing one takes ten times as long as the rest of a submission's
// checks, and people submit the same configs and networks again and again.
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
    std::string text = Print(message);
    MutexLock lock(&mutex_);
    if (texts_.size() >= kMost) texts_.clear();
    texts_.emplace(std::move(key), text);
    return text;
  }

 private:
  static constexpr size_t kMost = 256;

  Mutex mutex_;
  absl::flat_hash_map<std::string, std::string> texts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::string ToColumn(const google::protobuf::Message& message) {
  static auto& recent = *new RecentTexts();
  return recent.Of(message);
}

absl::Status FromColumn(absl::string_view text, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  const auto status =
      google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, message, options);
  if (status.ok()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("a stored ", message->GetTypeName(),
                                          " is not readable: ", std::string(status.message())));
}

google::protobuf::Timestamp ToTimestamp(int64_t micros) {
  return google::protobuf::util::TimeUtil::MicrosecondsToTimestamp(micros);
}

}  // namespace anneal::store
