#include "server/rpc/event_hub.h"

#include <vector>

namespace anneal::rpc {

bool EventHub::Subscribe(int64_t experiment_key, const std::shared_ptr<Subscriber>& subscriber) {
  MutexLock lock(&mutex_);
  if (closing_) return false;
  subscribers_[experiment_key][subscriber.get()] = subscriber;
  return true;
}

void EventHub::Unsubscribe(int64_t experiment_key, const Subscriber* subscriber) {
  MutexLock lock(&mutex_);
  const auto found = subscribers_.find(experiment_key);
  if (found == subscribers_.end()) return;
  found->second.erase(subscriber);
  if (found->second.empty()) subscribers_.erase(found);
}

// Both call subscribers without the lock, which their reactions may take again.
void EventHub::Publish(const std::set<int64_t>& experiment_keys) {
  std::vector<std::shared_ptr<Subscriber>> told;
  {
    MutexLock lock(&mutex_);
    for (const int64_t key : experiment_keys) {
      const auto found = subscribers_.find(key);
      if (found == subscribers_.end()) continue;
      for (const auto& [raw, subscriber] : found->second) told.push_back(subscriber);
    }
  }
  for (const auto& subscriber : told) subscriber->OnEvents();
}

void EventHub::Shutdown() {
  std::vector<std::shared_ptr<Subscriber>> told;
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    for (const auto& [key, subscribers] : subscribers_) {
      for (const auto& [raw, subscriber] : subscribers) told.push_back(subscriber);
    }
  }
  for (const auto& subscriber : told) subscriber->OnShutdown();
}

}  // namespace anneal::rpc
