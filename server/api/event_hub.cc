#include "server/api/event_hub.h"

namespace anneal::api {

EventHub::EventHub(std::chrono::milliseconds tick) : tick_(tick), thread_([this] { Loop(); }) {}

EventHub::~EventHub() {
  Shutdown();
  thread_.join();
}

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

int64_t EventHub::subscribers() const {
  MutexLock lock(&mutex_);
  int64_t count = 0;
  for (const auto& [key, subscribers] : subscribers_) {
    count += static_cast<int64_t>(subscribers.size());
  }
  return count;
}

std::vector<std::shared_ptr<Subscriber>> EventHub::AllSubscribers() {
  std::vector<std::shared_ptr<Subscriber>> all;
  for (const auto& [key, subscribers] : subscribers_) {
    for (const auto& [raw, subscriber] : subscribers) all.push_back(subscriber);
  }
  return all;
}

void EventHub::Publish(const std::set<int64_t>& experiment_keys) {
  std::vector<std::shared_ptr<Subscriber>> notified;
  {
    MutexLock lock(&mutex_);
    std::set<int64_t> keys = experiment_keys;
    keys.insert(kAll);
    for (const int64_t key : keys) {
      const auto found = subscribers_.find(key);
      if (found == subscribers_.end()) continue;
      for (const auto& [raw, subscriber] : found->second) notified.push_back(subscriber);
    }
  }
  for (const auto& subscriber : notified) subscriber->OnEvents();
}

void EventHub::Loop() {
  while (true) {
    std::vector<std::shared_ptr<Subscriber>> notified;
    {
      MutexLock lock(&mutex_);
      if (!closing_) stopped_.WaitFor(&mutex_, tick_);
      if (closing_) return;
      notified = AllSubscribers();
    }
    for (const auto& subscriber : notified) subscriber->OnTick();
  }
}

void EventHub::Shutdown() {
  std::vector<std::shared_ptr<Subscriber>> notified;
  {
    MutexLock lock(&mutex_);
    if (closing_) return;
    closing_ = true;
    stopped_.SignalAll();
    notified = AllSubscribers();
  }
  for (const auto& subscriber : notified) subscriber->OnShutdown();
}

}  // namespace anneal::api
