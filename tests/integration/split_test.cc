// Tests lists of a run's images whose data set is not, or no longer, the one of its training.

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "tests/integration/daemon_test.h"

namespace anneal {
namespace {

using ::testing::HasSubstr;

class SplitTest : public DaemonTest {
 protected:
  grpc::Status List(const std::string& run, v1::ListSplitImagesResponse* response,
                    const std::string& page_token = "") {
    v1::ListSplitImagesRequest request;
    request.set_parent(run);
    request.set_part(v1::ListSplitImagesRequest::PART_TRAIN);
    request.set_page_size(10);
    request.set_page_token(page_token);
    Context context;
    return runs_->ListSplitImages(&context, request, response);
  }
  grpc::Status List(const std::string& run) {
    v1::ListSplitImagesResponse ignored;
    return List(run, &ignored);
  }
  std::string dataset() const { return directory_.file("datasets/tiny"); }
};

TEST_F(SplitTest, ARunThatHasNotStartedHasTheImagesThatItWillHave) {
  workers_ = 1;
  Stop();
  Start();
  const std::string busy = StartEndless("busy");
  const std::string run = Create(TinyRequest("e", 1)).name() + "/runs/0";
  v1::ListSplitImagesResponse before;
  ASSERT_TRUE(List(run, &before).ok());
  EXPECT_EQ(GetRun(run).state(), v1::RUN_STATE_PENDING);
  EXPECT_EQ(before.images_size(), 10);
  Cancel(busy);
  WaitForEnd("experiments/e");
  v1::ListSplitImagesResponse after;
  ASSERT_TRUE(List(run, &after).ok());
  EXPECT_EQ(before.SerializeAsString(), after.SerializeAsString());
}

TEST_F(SplitTest, PageTokensBelongToTheirRequest) {
  const std::string run = RunToEnd(TinyRequest("e", 1)).name() + "/runs/0";
  const std::string other = RunToEnd(TinyRequest("other", 1)).name() + "/runs/0";
  v1::ListSplitImagesResponse page;
  ASSERT_TRUE(List(run, &page).ok());
  EXPECT_EQ(page.total_size(), 270) << "9 of 10 images";
  const std::string token = page.next_page_token();
  EXPECT_TRUE(List(run, &page, token).ok());
  EXPECT_EQ(ViolationsOf(List(other, &page, token)).count("page_token"), 1U);
}

TEST_F(SplitTest, ADataSetThatIsChangedOrGoneIsAnError) {
  const std::string run = RunToEnd(TinyRequest("e", 1)).name() + "/runs/0";
  Stop();
  WriteTinyDataset(dataset(), {.train = 310});
  Start();
  const grpc::Status changed = List(run);
  EXPECT_EQ(changed.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ReasonOf(changed), "DATASET_CHANGED");
  EXPECT_THAT(changed.error_message(), HasSubstr(GetRun(run).dataset_sha256()));

  Stop();
  std::filesystem::remove_all(dataset());
  Start();
  const grpc::Status gone = List(run);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND) << gone.error_message();
  EXPECT_THAT(gone.error_message(), HasSubstr("tiny"));

  Stop();
  WriteTinyDataset(dataset());
  Start();
  EXPECT_TRUE(List(run).ok()) << "the old files are back";
}

}  // namespace
}  // namespace anneal
