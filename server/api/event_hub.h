// Tells watchers that a log has grown. It carries no events: watchers read those from the store, so
// that a slow one costs nothing and loses nothing.

#ifndef ANNEAL_SERVER_API_EVENT_HUB_H_
#define ANNEAL_SERVER_API_EVENT_HUB_H_

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
  // New events are committed. Called from the writer's thread: must not block.
  virtual void OnEvents() = 0;
  // Some time has gone by: twice a second. Must not block.
  virtual void OnTick() = 0;
  // The server stops: end the stream. Must not block.
  virtual void OnShutdown() = 0;
};

// Thread-safe.
class EventHub {
 public:
  EventHub();
  ~EventHub();

  // The key of who is told of every experiment's events.
  static constexpr int64_t kAll = 0;

  // False, and nothing done, after Shutdown.
  bool Subscribe(int64_t experiment_key, const std::shared_ptr<Subscriber>& subscriber)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Unsubscribe(int64_t experiment_key, const Subscriber* subscriber)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // How many there are now.
  int64_t subscribers() const ABSL_LOCKS_EXCLUDED(mutex_);

  void Publish(const std::set<int64_t>& experiment_keys) ABSL_LOCKS_EXCLUDED(mutex_);
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  using Subscribers = std::map<const Subscriber*, std::shared_ptr<Subscriber>>;

  void Loop() ABSL_LOCKS_EXCLUDED(mutex_);
  std::vector<std::shared_ptr<Subscriber>> Everyone() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  CondVar stopped_;
  std::map<int64_t, Subscribers> subscribers_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace anneal::api

#endif  // ANNEAL_SERVER_API_EVENT_HUB_H_
