#include "server/training/data/dataset_registry.h"

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/fixtures/temp_directory.h"
#include "tests/fixtures/tiny_dataset.h"
#include "tests/unit/training/training_test_util.h"

namespace anneal::training::data {
namespace {

class DatasetRegistryTest : public ::testing::Test {
 protected:
  const TempDirectory first_;
  const TempDirectory second_;
  DatasetRegistry registry_{{first_.path(), second_.path()}};
};

TEST_F(DatasetRegistryTest, LoadsADataSetOnceAndSharesIt) {
  WriteTinyDataset(first_.file("tiny"));
  const auto one = registry_.Get("tiny");
  ASSERT_EQ(one.status(), absl::OkStatus());
  std::filesystem::remove_all(first_.file("tiny"));
  const auto other = registry_.Get("tiny");
  ASSERT_EQ(other.status(), absl::OkStatus());
  EXPECT_EQ(one->get(), other->get());
}

TEST_F(DatasetRegistryTest, SharesADataSetAmongThreads) {
  WriteTinyDataset(first_.file("tiny"));
  std::vector<std::shared_ptr<const Dataset>> got(4);
  {
    std::vector<std::jthread> threads;
    for (auto& slot : got) {
      threads.emplace_back([this, &slot] { slot = registry_.Get("tiny").value_or(nullptr); });
    }
  }
  ASSERT_NE(got[0], nullptr);
  for (const auto& dataset : got) EXPECT_EQ(dataset, got[0]);
}

TEST_F(DatasetRegistryTest, TakesTheFirstRootThatHasTheName) {
  WriteTinyDataset(first_.file("both"), {.train = 20});
  WriteTinyDataset(second_.file("both"), {.train = 40});
  WriteTinyDataset(second_.file("late"), {.train = 60});
  EXPECT_EQ((*registry_.Get("both"))->train.count(), 20);
  EXPECT_EQ((*registry_.Get("late"))->train.count(), 60);
}

TEST_F(DatasetRegistryTest, ListsTheDirectoriesUnderAllRootsSorted) {
  EXPECT_TRUE(registry_.Names().empty());
  WriteTinyDataset(second_.file("beta"));
  WriteTinyDataset(second_.file("alpha"));
  WriteTinyDataset(first_.file("gamma"));
  WriteTinyDataset(first_.file("beta"));
  WriteFile(first_.file("file"), "not a directory");
  EXPECT_EQ(registry_.Names(), (std::vector<std::string>{"alpha", "beta", "gamma"}));
}

TEST_F(DatasetRegistryTest, ListsTheAvailableDataSetsWhenANameIsUnknown) {
  WriteTinyDataset(first_.file("tiny"));
  WriteTinyDataset(second_.file("other-set"));
  const absl::Status status = registry_.Get("mnist").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Mentions(status.message(), {"mnist", "tiny", "other-set"}));
  const std::string description = ViolationsOf(status)["dataset.name"];
  EXPECT_TRUE(Mentions(description, {"mnist", "tiny", "other-set"}));
}

TEST_F(DatasetRegistryTest, RejectsNamesThatEscapeTheRoots) {
  WriteTinyDataset(first_.file("tiny"));
  WriteTinyDataset(first_.file("tiny/inner"));
  DatasetRegistry below({first_.file("tiny")});
  ASSERT_EQ(below.Get("inner").status(), absl::OkStatus());
  const std::string absolute = first_.file("tiny");
  for (const std::string& name :
       std::vector<std::string>{"../tiny", "..", ".", "", "/", "inner/../inner", "./inner",
                                "inner/", "../tiny/inner", absolute, std::string("inner\0x", 7)}) {
    const absl::Status status = below.Get(name).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name << ": " << status;
  }
}

TEST_F(DatasetRegistryTest, DoesNotCacheErrors) {
  WriteTinyDataset(first_.file("tiny"));
  const std::string path = first_.file("tiny/train-labels-idx1-ubyte");
  const std::string bytes = ReadFile(path);
  WriteFile(path, bytes + "x");
  const absl::Status status = registry_.Get("tiny").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(Mentions(status.message(), {path}));
  WriteFile(path, bytes);
  EXPECT_EQ(registry_.Get("tiny").status(), absl::OkStatus());
}

TEST_F(DatasetRegistryTest, IgnoresRootsThatDoNotExist) {
  DatasetRegistry registry({first_.file("nowhere"), second_.path()});
  WriteTinyDataset(second_.file("tiny"));
  EXPECT_EQ(registry.Names(), std::vector<std::string>{"tiny"});
  EXPECT_EQ(registry.Get("tiny").status(), absl::OkStatus());
}

}  // namespace
}  // namespace anneal::training::data
