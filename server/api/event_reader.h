// `EventReader` reads event logs for watchers. Watchers of a log at the same cursor, as most are,
// share one read.

#ifndef ANNEAL_SERVER_API_EVENT_READER_H_
#define ANNEAL_SERVER_API_EVENT_READER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "anneal/v1/resources.pb.h"
#include "common/mutex.h"
#include "server/store/event_store.h"
#include "server/store/store.h"

namespace anneal::api {

// Consecutive events of a log.
struct EventPage {
  std::vector<v1::Event> events;
  int64_t read_to = 0;  // the cursor after these events: a sequence, or a position for all logs
  bool at_end = false;  // the log has ended, and these are its last events
};

// Thread-safe. Read blocks on the disk.
class EventReader {
 public:
  // The most events in a page.
  static constexpr int kPageEvents = 32;

  explicit EventReader(store::Store* store) : store_(*store) {}  // borrowed

  // Returns the first events after the query's cursor, at most kPageEvents; its limit is ignored.
  // NOT_FOUND: the experiment was purged. OUT_OF_RANGE (EVENTS_PRUNED): some of them were pruned;
  // the message, and ErrorInfo's `after`, give the lowest cursor after which all events are stored.
  absl::StatusOr<std::shared_ptr<const EventPage>> Read(const store::EventQuery& query)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Drops all shared pages, because a commit may have extended their logs. Called by the writer's
  // thread; does not block.
  void NoteCommit() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Experiment, run (0: all of them) and cursor.
  using Key = std::tuple<int64_t, int64_t, int64_t>;

  absl::StatusOr<std::shared_ptr<const EventPage>> ReadStore(const store::EventQuery& query);

  store::Store& store_;
  Mutex mutex_;
  int64_t commits_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Key, std::shared_ptr<const EventPage>> pages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_EVENT_READER_H_
