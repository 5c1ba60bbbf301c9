#include "server/api/blocking_pool.h"

#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace anneal::api {
namespace {

// A pool of one thread, which is busy until Release.
class BusyPool {
 public:
  BusyPool() : pool_(std::make_unique<BlockingPool>(1)) {
    const auto started = std::make_shared<std::promise<void>>();
    pool_->Run([started, released = release_.get_future().share()] {
      started->set_value();
      released.wait();
    });
    started->get_future().wait();
  }
  ~BusyPool() {
    if (!is_released_) Release();
  }

  BlockingPool* operator->() { return pool_.get(); }
  void Release() {
    is_released_ = true;
    release_.set_value();
  }
  // Destroys the pool, which waits for all tasks.
  void ReleaseAndDestroy() {
    Release();
    pool_.reset();
  }

 private:
  bool is_released_ = false;
  std::promise<void> release_;
  std::unique_ptr<BlockingPool> pool_;
};

TEST(BlockingPoolTest, RunsTasksOnItsOwnThreads) {
  std::promise<std::thread::id> ran;
  BlockingPool pool(1);
  pool.Run([&ran] { ran.set_value(std::this_thread::get_id()); });
  EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
}

TEST(BlockingPoolTest, RunsAsManyTasksAtATimeAsItHasThreads) {
  constexpr int kThreads = 4;
  std::atomic<int> running = 0;
  std::promise<void> all_run;
  BlockingPool pool(kThreads);
  const auto released = all_run.get_future().share();
  std::vector<std::future<void>> done;
  for (int i = 0; i < kThreads; ++i) {
    auto finished = std::make_shared<std::promise<void>>();
    done.push_back(finished->get_future());
    pool.Run([&running, &all_run, released, finished] {
      if (++running == kThreads) all_run.set_value();
      released.wait();  // waits for the others: finishes only if all run concurrently
      finished->set_value();
    });
  }
  for (auto& one : done) one.wait();
}

TEST(BlockingPoolTest, StartsTasksInTheirOrder) {
  std::vector<int> order;
  BusyPool pool;
  for (int i = 0; i < 3; ++i) pool->Run([&order, i] { order.push_back(i); });
  EXPECT_TRUE(pool->TryRun([&order] { order.push_back(3); }));
  pool.ReleaseAndDestroy();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3));
}

TEST(BlockingPoolTest, ItsDestructorRunsQueuedTasks) {
  int ran = 0;
  BusyPool pool;
  for (int i = 0; i < 100; ++i) pool->Run([&ran] { ++ran; });
  pool.ReleaseAndDestroy();
  EXPECT_EQ(ran, 100);
}

TEST(BlockingPoolTest, ATaskMayQueueAnother) {
  std::promise<void> second;
  BlockingPool pool(1);
  pool.Run([&pool, &second] { pool.Run([&second] { second.set_value(); }); });
  second.get_future().wait();
}

TEST(BlockingPoolTest, ShedsNewCallsWhileTheQueueIsFullButNoneThatItAccepted) {
  std::promise<void> drained;
  std::promise<void> accepted;
  bool shed_ran = false;
  size_t ran = 0;
  BusyPool pool;
  const auto task = [&ran] { ++ran; };
  for (size_t i = 0; i < BlockingPool::kMaxQueued; ++i) ASSERT_TRUE(pool->TryRun(task)) << i;
  EXPECT_FALSE(pool->TryRun([&shed_ran] { shed_ran = true; }));
  pool->Run(task);
  pool->Run([&drained] { drained.set_value(); });
  pool.Release();
  drained.get_future().wait();
  EXPECT_EQ(ran, BlockingPool::kMaxQueued + 1);
  EXPECT_FALSE(shed_ran);
  EXPECT_TRUE(pool->TryRun([&accepted] { accepted.set_value(); })) << "the queue is empty again";
  accepted.get_future().wait();
}

}  // namespace
}  // namespace anneal::api
