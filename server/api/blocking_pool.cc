#include "server/api/blocking_pool.h"

#include <utility>

namespace anneal::api {

BlockingPool::BlockingPool(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

BlockingPool::~BlockingPool() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    wake_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void BlockingPool::Run(std::function<void()> task) {
  MutexLock lock(&mutex_);
  tasks_.push_back(std::move(task));
  wake_.Signal();
}

bool BlockingPool::TryRun(std::function<void()> task) {
  MutexLock lock(&mutex_);
  if (tasks_.size() >= kMaxQueued) return false;
  tasks_.push_back(std::move(task));
  wake_.Signal();
  return true;
}

void BlockingPool::Work() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (tasks_.empty() && !closing_) wake_.Wait(&mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace anneal::api
