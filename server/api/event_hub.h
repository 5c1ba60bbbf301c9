// `EventHub` notifies watchers that an event log has grown. It carries no events: watchers read
// them from the store, so that a slow watcher costs nothing and loses nothing.

#ifndef ANNEAL_SERVER_API_EVENT_HUB_H_
#define ANNEAL_SERVER_API_EVENT_HUB_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/mutex.h"

namespace anneal::api {

class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // Called by the writer's thread after new events were committed. Must not block.
  virtual void OnEvents() = 0;
  // Called by the hub's thread once per tick. Must not block.
  virtual void OnTick() = 0;
  // Called once, by Shutdown: the stream must end. Must not block.
  virtual void OnShutdown() = 0;
};

// Thread-safe. Calls subscribers without its lock, so that they may call the hub; a subscriber may
// still be called once after Unsubscribe, by a thread that is notifying it at that moment.
class EventHub {
 public:
  static constexpr std::chrono::milliseconds kTick{500};

  explicit EventHub(std::chrono::milliseconds tick = kTick);
  // Calls Shutdown.
  ~EventHub();

  // Subscribes to the events of every experiment.
  static constexpr int64_t kAll = 0;

  // Shares the subscriber until Unsubscribe. Returns false, and does nothing, after Shutdown.
  bool Subscribe(int64_t experiment_key, const std::shared_ptr<Subscriber>& subscriber)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Unsubscribe(int64_t experiment_key, const Subscriber* subscriber)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Returns the number of subscriptions.
  int64_t subscribers() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls OnEvents of the subscribers to these experiments, and of those to kAll.
  void Publish(const std::set<int64_t>& experiment_keys) ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls OnShutdown of all subscribers, ends the ticks and refuses new subscribers. Idempotent.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Subscribers = std::map<const Subscriber*, std::shared_ptr<Subscriber>>;

  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::shared_ptr<Subscriber>> AllSubscribers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::chrono::milliseconds tick_;
  mutable Mutex mutex_;
  CondVar stopped_;
  std::map<int64_t, Subscribers> subscribers_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: uses all of the above
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_EVENT_HUB_H_
