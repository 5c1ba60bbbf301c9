#include "server/api/event_hub.h"

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/mutex.h"
#include "gtest/gtest.h"

namespace anneal::api {
namespace {

// Counts its callbacks. Thread-safe.
class CountingSubscriber final : public Subscriber {
 public:
  void OnEvents() override {
    if (on_events) on_events();
    Count(&events_);
  }
  void OnTick() override { Count(&ticks_); }
  void OnShutdown() override {
    if (on_shutdown) on_shutdown();
    Count(&shutdowns_);
  }

  int events() { return Get(events_); }
  int shutdowns() { return Get(shutdowns_); }
  void WaitForTicks(int count) {
    MutexLock lock(&mutex_);
    while (ticks_ < count) changed_.Wait(&mutex_);
  }

  // Called first by OnEvents and OnShutdown; set before subscribing.
  std::function<void()> on_events;
  std::function<void()> on_shutdown;

 private:
  void Count(int* counter) {
    MutexLock lock(&mutex_);
    ++*counter;
    changed_.SignalAll();
  }
  int Get(const int& counter) {
    MutexLock lock(&mutex_);
    return counter;
  }

  Mutex mutex_;
  CondVar changed_;
  int events_ = 0;
  int ticks_ = 0;
  int shutdowns_ = 0;
};

class EventHubTest : public ::testing::Test {
 protected:
  std::shared_ptr<CountingSubscriber> Subscribe(int64_t key) {
    auto subscriber = std::make_shared<CountingSubscriber>();
    EXPECT_TRUE(hub_.Subscribe(key, subscriber));
    return subscriber;
  }

  // The interval is so long that this hub never ticks.
  EventHub hub_{std::chrono::hours(1)};
};

TEST_F(EventHubTest, NotifiesTheSubscribersOfAnExperiment) {
  const auto first = Subscribe(1);
  const auto second = Subscribe(1);
  const auto other = Subscribe(2);
  hub_.Publish({1});
  hub_.Publish({3});
  EXPECT_EQ(first->events(), 1);
  EXPECT_EQ(second->events(), 1);
  EXPECT_EQ(other->events(), 0);
  hub_.Publish({1, 2, 3});
  EXPECT_EQ(first->events(), 2);
  EXPECT_EQ(other->events(), 1);
}

TEST_F(EventHubTest, NotifiesSubscribersOfAllExperimentsOncePerCommit) {
  const auto all = Subscribe(EventHub::kAll);
  hub_.Publish({7});
  hub_.Publish({1, 2, 3});
  EXPECT_EQ(all->events(), 2);
}

TEST_F(EventHubTest, DoesNotNotifyAfterUnsubscribe) {
  const auto stays = Subscribe(1);
  auto leaves = Subscribe(1);
  EXPECT_EQ(hub_.subscribers(), 2);
  hub_.Unsubscribe(2, leaves.get());  // of another experiment: changes nothing
  EXPECT_EQ(hub_.subscribers(), 2);
  hub_.Unsubscribe(1, leaves.get());
  hub_.Unsubscribe(1, leaves.get());
  EXPECT_EQ(hub_.subscribers(), 1);
  hub_.Publish({1});
  hub_.Shutdown();
  EXPECT_EQ(stays->events(), 1);
  EXPECT_EQ(leaves->events(), 0);
  EXPECT_EQ(leaves->shutdowns(), 0);
}

TEST_F(EventHubTest, SharesASubscriberUntilItUnsubscribes) {
  std::weak_ptr<CountingSubscriber> weak;
  CountingSubscriber* raw = nullptr;
  {
    const auto subscriber = Subscribe(1);
    weak = subscriber;
    raw = subscriber.get();
  }
  EXPECT_FALSE(weak.expired());
  hub_.Unsubscribe(1, raw);
  EXPECT_TRUE(weak.expired());
}

TEST_F(EventHubTest, ASubscriberMayUnsubscribeItselfAndOthersInItsCallback) {
  const auto first = std::make_shared<CountingSubscriber>();
  const auto second = std::make_shared<CountingSubscriber>();
  const auto unsubscribe_both = [&] {
    hub_.Unsubscribe(1, first.get());
    hub_.Unsubscribe(1, second.get());
  };
  for (const auto& subscriber : {first, second}) {
    subscriber->on_events = unsubscribe_both;
    ASSERT_TRUE(hub_.Subscribe(1, subscriber));
  }
  hub_.Publish({1});
  EXPECT_EQ(hub_.subscribers(), 0);
  const int events = first->events() + second->events();
  EXPECT_GE(events, 1);
  hub_.Publish({1});
  EXPECT_EQ(first->events() + second->events(), events);
}

TEST_F(EventHubTest, ASubscriberMaySubscribeAnotherInItsCallback) {
  const auto late = std::make_shared<CountingSubscriber>();
  const auto first = std::make_shared<CountingSubscriber>();
  first->on_events = [&] { EXPECT_TRUE(hub_.Subscribe(1, late)); };
  ASSERT_TRUE(hub_.Subscribe(1, first));
  hub_.Publish({1});
  EXPECT_EQ(late->events(), 0) << "subscribed after the commit";
  hub_.Publish({1});
  EXPECT_EQ(late->events(), 1);
}

TEST_F(EventHubTest, TicksReachAllSubscribersRepeatedly) {
  EventHub ticking(std::chrono::milliseconds(1));
  const auto one = std::make_shared<CountingSubscriber>();
  const auto all = std::make_shared<CountingSubscriber>();
  ASSERT_TRUE(ticking.Subscribe(1, one));
  ASSERT_TRUE(ticking.Subscribe(EventHub::kAll, all));
  one->WaitForTicks(3);
  all->WaitForTicks(3);
  EXPECT_EQ(one->events(), 0);
}

TEST_F(EventHubTest, ShutdownNotifiesAllSubscribersOnceAndRejectsNewOnes) {
  const auto one = Subscribe(1);
  const auto all = Subscribe(EventHub::kAll);
  hub_.Shutdown();
  hub_.Shutdown();
  EXPECT_EQ(one->shutdowns(), 1);
  EXPECT_EQ(all->shutdowns(), 1);
  EXPECT_FALSE(hub_.Subscribe(1, std::make_shared<CountingSubscriber>()));
  EXPECT_EQ(hub_.subscribers(), 2);
}

TEST_F(EventHubTest, ASubscriberMayUnsubscribeInItsShutdownCallback) {
  const auto subscriber = std::make_shared<CountingSubscriber>();
  subscriber->on_shutdown = [&] { hub_.Unsubscribe(1, subscriber.get()); };
  ASSERT_TRUE(hub_.Subscribe(1, subscriber));
  hub_.Shutdown();
  EXPECT_EQ(hub_.subscribers(), 0);
  EXPECT_EQ(subscriber->shutdowns(), 1);
}

TEST_F(EventHubTest, ItsDestructorShutsItDown) {
  const auto subscriber = std::make_shared<CountingSubscriber>();
  {
    EventHub hub(std::chrono::hours(1));
    ASSERT_TRUE(hub.Subscribe(1, subscriber));
  }
  EXPECT_EQ(subscriber->shutdowns(), 1);
}

TEST_F(EventHubTest, PublishesWhileOthersSubscribeAndUnsubscribe) {
  constexpr int kRounds = 500;
  const auto stays = Subscribe(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < kRounds; ++round) {
        const auto subscriber = Subscribe(1);
        hub_.Unsubscribe(1, subscriber.get());
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) hub_.Publish({1});
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(stays->events(), kRounds);
  EXPECT_EQ(hub_.subscribers(), 1);
}

}  // namespace
}  // namespace anneal::api
