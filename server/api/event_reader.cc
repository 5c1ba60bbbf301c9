#include "server/api/event_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::api {
namespace {

// Pages shared between two commits. A limit is needed because watchers that replay an old log pass
// every cursor.
constexpr size_t kMaxSharedPages = 64;

absl::Status Pruned(const store::LogPosition& log) {
  return WithReason(
      absl::OutOfRangeError(absl::StrCat(
          "events up to ", log.pruned, " were pruned, and the oldest is ", log.pruned + 1,
          "; watch after ", log.pruned, ", and list runs and epochs for what happened before")),
      v1::ERROR_REASON_EVENTS_PRUNED, {{"after", absl::StrCat(log.pruned)}});
}

}  // namespace

absl::StatusOr<std::shared_ptr<const EventPage>> EventReader::Read(const store::EventQuery& query) {
  const Key key = {query.experiment_key.value_or(0), query.run_key.value_or(0), query.after};
  int64_t commits = 0;
  {
    MutexLock lock(&mutex_);
    const auto found = pages_.find(key);
    if (found != pages_.end()) return found->second;
    commits = commits_;
  }
  ANNEAL_ASSIGN_OR_RETURN(std::shared_ptr<const EventPage> page, ReadStore(query));
  MutexLock lock(&mutex_);
  // A page that was read before a commit may lack its events.
  if (commits == commits_ && pages_.size() < kMaxSharedPages) pages_.emplace(key, page);
  return page;
}

void EventReader::NoteCommit() {
  std::map<Key, std::shared_ptr<const EventPage>> old;
  MutexLock lock(&mutex_);
  ++commits_;
  pages_.swap(old);
}

absl::StatusOr<std::shared_ptr<const EventPage>> EventReader::ReadStore(
    const store::EventQuery& query) {
  using Page = std::shared_ptr<const EventPage>;
  store::EventQuery limited = query;
  limited.limit = kPageEvents;
  return store_.Read([&](store::Connection& db) -> absl::StatusOr<Page> {
    auto page = std::make_shared<EventPage>();
    ANNEAL_ASSIGN_OR_RETURN(page->events, store::ListEvents(db, limited));
    ANNEAL_ASSIGN_OR_RETURN(const store::LogPosition log, store::GetLogPosition(db, query));
    if (query.after < log.pruned) return Pruned(log);
    const bool all_read = static_cast<int>(page->events.size()) < kPageEvents;
    const v1::Event* last = page->events.empty() ? nullptr : &page->events.back();
    const int64_t last_number = last == nullptr                    ? query.after
                                : query.experiment_key.has_value() ? last->sequence()
                                                                   : last->position();
    page->read_to = all_read ? log.last : last_number;
    page->at_end = all_read && log.ended;
    return page;
  });
}

}  // namespace anneal::api
