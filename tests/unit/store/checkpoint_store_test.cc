#include "server/store/checkpoint_store.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/store/run_store.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::store {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;

class CheckpointStoreTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    Insert(SomeExperiment("e", 2));
    run_ = RunKeyOf("e", 1);
  }
  void Add(int64_t step, bool best) {
    const CheckpointRow row = {.step = step,
                               .epoch = static_cast<int32_t>(step / 10),
                               .best = best,
                               .file = {.name = "e/1/some", .bytes = 7, .sha256 = "abc"},
                               .created = 5};
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return InsertCheckpoint(transaction, run_, row);
                }).ok());
  }
  void Become(v1::RunState state) {
    ASSERT_TRUE(Write([&](Transaction& transaction) {
                  return ChangeRunState(transaction, run_, state, 1);
                }).ok());
  }
  // The latest first; the best one negated.
  std::vector<int64_t> Steps() {
    std::vector<int64_t> steps;
    for (const CheckpointRow& row :
         Read([&](Connection& db) { return ListCheckpoints(db, run_); })) {
      steps.push_back(row.best ? -row.step : row.step);
    }
    return steps;
  }

  int64_t run_ = 0;
};

TEST_F(CheckpointStoreTest, ForgetsCheckpointsOfRunsThatEndedLongAgo) {
  const auto old = [&](int64_t before) {
    return Read([&](Connection& db) { return ListRunsWithOldCheckpoints(db, before); });
  };
  const auto forget = [&](int64_t before) {
    bool forgotten = false;
    EXPECT_TRUE(Write([&](Transaction& transaction) -> absl::Status {
                  const auto result = ForgetOldCheckpoints(transaction, run_, before);
                  if (result.ok()) forgotten = *result;
                  return result.status();
                }).ok());
    return forgotten;
  };
  Add(10, true);
  Add(20, false);
  EXPECT_EQ(old(100).size(), 0U) << "it waits";
  Become(v1::RUN_STATE_CANCELLED);  // at 1
  EXPECT_EQ(old(1).size(), 0U);
  EXPECT_EQ(old(2), std::vector<int64_t>{run_});
  EXPECT_FALSE(forget(1));
  EXPECT_EQ(Steps().size(), 2U);
  EXPECT_TRUE(forget(2));
  EXPECT_EQ(Steps().size(), 0U);
  EXPECT_EQ(old(100).size(), 0U);
}

TEST_F(CheckpointStoreTest, KeepsTheLastTwoAndTheBest) {
  Add(10, true);
  EXPECT_THAT(Steps(), ElementsAre(-10));
  Add(20, false);
  Add(30, false);
  EXPECT_THAT(Steps(), ElementsAre(30, 20, -10));
  Add(40, false);
  EXPECT_THAT(Steps(), ElementsAre(40, 30, -10));
  Add(50, true);
  EXPECT_THAT(Steps(), ElementsAre(-50, 40));
  Add(60, false);
  Add(70, false);
  EXPECT_THAT(Steps(), ElementsAre(70, 60, -50));
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return KeepFinalCheckpoints(transaction, run_);
              }).ok());
  EXPECT_THAT(Steps(), ElementsAre(70, -50));
}

TEST_F(CheckpointStoreTest, ARepeatedStepReplacesTheFirst) {
  Add(10, true);
  Add(20, false);
  Add(10, true);
  EXPECT_THAT(Steps(), ElementsAre(20, -10));
}

TEST_F(CheckpointStoreTest, DeletesASingleCheckpoint) {
  Add(10, true);
  Add(20, false);
  ASSERT_TRUE(Write([&](Transaction& transaction) {
                return DeleteCheckpoint(transaction, run_, 20);
              }).ok());
  EXPECT_THAT(Steps(), ElementsAre(-10));
}

TEST_F(CheckpointStoreTest, EveryAttemptHasUniqueNames) {
  Become(v1::RUN_STATE_RUNNING);
  const auto name = [&] {
    return Read([&](Connection& db) { return NewCheckpointName(db, run_, 12); });
  };
  const std::string first = name();
  EXPECT_EQ(first, "e/1/step-0000000012-attempt-1.safetensors");
  Become(v1::RUN_STATE_PENDING);
  Become(v1::RUN_STATE_RUNNING);
  EXPECT_NE(name(), first);
  EXPECT_EQ(Read([&](Connection& db) { return CheckpointDirectory(db, run_); }), "e/1");
  EXPECT_EQ(TryRead([](Connection& db) { return NewCheckpointName(db, 999, 1).status(); }).code(),
            absl::StatusCode::kNotFound);
}

class CheckpointFilesTest : public ::testing::Test {
 protected:
  std::vector<std::string> Names(const std::string& run) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(files_.path(run))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempDirectory directory_;
  const CheckpointFiles files_{directory_.file("checkpoints")};
};

TEST_F(CheckpointFilesTest, RoundTripsWithoutLeavingTemporaryFiles) {
  std::string contents(100'000, '\0');
  std::mt19937 random(1);
  for (char& c : contents) c = static_cast<char>(random());
  const auto file = files_.Write("e/0/a", contents);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->bytes, 100'000);
  EXPECT_EQ(files_.Read(*file).value(), contents);
  auto open = files_.Open(*file);
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_THAT(Names("e/0"), ElementsAre("a"));
  EXPECT_EQ(fs::status(files_.path("e/0/a")).permissions() & fs::perms::others_all,
            fs::perms::none);
  files_.Remove(*file);
  std::ostringstream bytes;
  bytes << open->rdbuf();
  EXPECT_EQ(bytes.str(), contents) << "what is open can be read to its end";
}

TEST_F(CheckpointFilesTest, DetectsAnyDamage) {
  const CheckpointFile file = files_.Write("e/0/a", "0123456789").value();
  for (const std::string wrong : {"", "012345678", "0123456780", "01234567890"}) {
    std::ofstream(files_.path("e/0/a")) << wrong;
    EXPECT_EQ(files_.Read(file).status().code(), absl::StatusCode::kDataLoss) << wrong;
    EXPECT_EQ(files_.Open(file).status().code(), absl::StatusCode::kDataLoss) << wrong;
  }
  fs::remove(files_.path("e/0/a"));
  EXPECT_EQ(files_.Read(file).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(CheckpointFilesTest, SweepKeepsOnlyNamedFiles) {
  for (const char* name : {"e/0/a", "e/0/b", "e/0/c.tmp", "e/1/a"}) {
    ASSERT_TRUE(files_.Write(name, "x").ok());
  }
  files_.Sweep("e/0", {"e/0/b"});
  EXPECT_THAT(Names("e/0"), ElementsAre("b"));
  files_.Sweep("e/0", {});
  EXPECT_FALSE(fs::exists(files_.path("e/0")));
  EXPECT_THAT(Names("e/1"), ElementsAre("a"));
  files_.Sweep("nothing/0", {});
}

TEST_F(CheckpointFilesTest, AFailedWriteLeavesNoFiles) {
  std::ofstream(directory_.file("in-the-way")) << "a file";
  const CheckpointFiles blocked(directory_.file("in-the-way"));
  EXPECT_FALSE(blocked.Write("e/0/a", "x").ok());
  // A directory at the destination: the temporary file is removed.
  ASSERT_TRUE(files_.Write("e/0/a/b", "x").ok());
  EXPECT_FALSE(files_.Write("e/0/a", "x").ok());
  EXPECT_THAT(Names("e/0"), ElementsAre("a"));
}

}  // namespace
}  // namespace anneal::store
