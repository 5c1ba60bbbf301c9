// Reads ahead in logs for watchers. Watchers of one log that have come equally far, as they mostly
// have, share what one of them has read.

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

// A few events, and what comes after them.
struct EventPage {
  std::vector<v1::Event> events;
  int64_t read_to = 0;  // the last sequence or position that has been looked at
  bool at_end = false;  // no event can come after these
};

// Thread-safe. Blocks on the disk.
class EventReader {
 public:
  explicit EventReader(store::Store* store) : store_(*store) {}  // borrowed

  // The events after the query's cursor, as many as a watcher reads at a time; its limit is
  // ignored. NOT_FOUND: the experiment was purged. OUT_OF_RANGE (EVENTS_PRUNED): some of them were
  // pruned; the message, and ErrorInfo's `after`, say from where on all are there.
  absl::StatusOr<std::shared_ptr<const EventPage>> Read(const store::EventQuery& query)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // What was read before holds no longer. Must not block: called from the writer's thread.
  void NoteCommit() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // Experiment, run (0: all) and cursor.
  using Key = std::tuple<int64_t, int64_t, int64_t>;

  absl::StatusOr<std::shared_ptr<const EventPage>> ReadStore(const store::EventQuery& query);

  store::Store& store_;
  Mutex mutex_;
  int64_t commits_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<Key, std::shared_ptr<const EventPage>> pages_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_EVENT_READER_H_
