#include "common/status.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "tests/unit/common/test_util.h"

namespace anneal {
namespace {

google::rpc::ErrorInfo InfoOf(const absl::Status& status) {
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload(kErrorInfoUrl);
  EXPECT_TRUE(payload.has_value()) << status;
  if (payload.has_value()) {
    EXPECT_TRUE(info.ParseFromString(std::string(*payload)));
  }
  return info;
}

TEST(FieldViolationsTest, NoViolationIsOk) {
  const FieldViolations violations;
  EXPECT_TRUE(violations.empty());
  EXPECT_TRUE(violations.ToStatus().ok());
}

TEST(FieldViolationsTest, OneViolationReadsAsASentence) {
  FieldViolations violations;
  violations.Add("optimizer.learning_rate", "is -1; allowed is 0 < r <= 1000");
  EXPECT_FALSE(violations.empty());
  const absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "optimizer.learning_rate is -1; allowed is 0 < r <= 1000");
}

TEST(FieldViolationsTest, ManyViolationsAreOnePerLineInOrder) {
  FieldViolations violations;
  violations.Add("b", "is 2");
  violations.Add("a", "is 1");
  violations.Add("b", "is 2 again");
  EXPECT_EQ(violations.ToStatus().message(), "b is 2\na is 1\nb is 2 again");
}

TEST(FieldViolationsTest, DetailsHaveRequestPathsAndMessagesDisplayPaths) {
  FieldViolations config;
  config.Add("epochs", "is 0; allowed is 1..100000");
  FieldViolations request;
  request.AddUnder("experiment.config", config);
  EXPECT_EQ(request.ToStatus().message(), "epochs is 0; allowed is 1..100000");
  EXPECT_EQ(ViolationsOf(request.ToStatus()).count("experiment.config.epochs"), 1U);
  // Adding the same violations from a status again has no effect.
  EXPECT_TRUE(request.AddUnder("experiment.config", config.ToStatus()));
  EXPECT_EQ(request.size(), 1U);
  EXPECT_TRUE(request.Has("experiment"));
  EXPECT_FALSE(request.Has("experiment.con"));
}

TEST(FieldViolationsTest, NamesForPeopleSurviveAStatus) {
  FieldViolations request;
  EXPECT_TRUE(request.AddUnder("experiment",
                               AtField("axes.0.values", InvalidField("epochs", "is \"many\""))));
  EXPECT_EQ(request.ToStatus().message(), "epochs is \"many\"");
  EXPECT_EQ(ViolationsOf(request.ToStatus()).count("experiment.axes.0.values"), 1U);
  EXPECT_FALSE(request.AddUnder("", absl::NotFoundError("gone")));
  EXPECT_TRUE(AtField("a", absl::OkStatus()).ok());
}

TEST(FieldViolationsTest, SortsByThePositionOfTheFieldAndIsStable) {
  FieldViolations violations;
  for (const char* field : {"bb", "a", "cc", "b"}) violations.Add(field, "is wrong");
  violations.Sort(
      [](absl::string_view field) { return std::vector<int>{-static_cast<int>(field.size())}; });
  EXPECT_EQ(violations.ToStatus().message(), "bb is wrong\ncc is wrong\na is wrong\nb is wrong");
}

TEST(FieldViolationsTest, DetailsHaveEveryViolationInOrder) {
  FieldViolations violations;
  violations.Add("theta.start", "is 7; allowed is 0..pi/4");
  violations.Add("epochs", "is 0; allowed is 1..100000");
  google::rpc::BadRequest details;
  const auto payload = violations.ToStatus().GetPayload(kBadRequestUrl);
  ASSERT_TRUE(payload.has_value());
  ASSERT_TRUE(details.ParseFromString(std::string(*payload)));
  ASSERT_EQ(details.field_violations_size(), 2);
  EXPECT_EQ(details.field_violations(0).field(), "theta.start");
  EXPECT_EQ(details.field_violations(0).description(), "is 7; allowed is 0..pi/4");
  EXPECT_EQ(details.field_violations(1).field(), "epochs");
  EXPECT_EQ(details.field_violations(1).description(), "is 0; allowed is 1..100000");
}

TEST(FieldViolationsTest, CarriesAReasonInOurDomain) {
  const google::rpc::ErrorInfo info = InfoOf(InvalidField("epochs", "is 0"));
  EXPECT_EQ(info.domain(), "anneal");
  EXPECT_FALSE(info.reason().empty());
  EXPECT_EQ(info.reason().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"),
            std::string::npos)
      << info.reason();
}

TEST(InvalidFieldTest, IsAViolationOfThatField) {
  const absl::Status status = InvalidField("page_size", "is -1; allowed is 0..1000");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "page_size is -1; allowed is 0..1000");
  EXPECT_EQ(ViolationsOf(status).at("page_size"), "is -1; allowed is 0..1000");
}

TEST(WithReasonTest, AddsAReasonAndKeepsTheRest) {
  const absl::Status status = WithReason(absl::AlreadyExistsError("experiments/first exists"),
                                         v1::ERROR_REASON_EXPERIMENT_EXISTS);
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(status.message(), "experiments/first exists");
  EXPECT_EQ(InfoOf(status).reason(), "EXPERIMENT_EXISTS");
  EXPECT_EQ(InfoOf(status).domain(), kErrorDomain);
}

TEST(WithReasonTest, KeepsTheViolationsOfAnError) {
  const absl::Status status =
      WithReason(InvalidField("name", "is empty"), v1::ERROR_REASON_RUN_STATE);
  EXPECT_EQ(InfoOf(status).reason(), "RUN_STATE");
  EXPECT_EQ(ViolationsOf(status).at("name"), "is empty");
}

TEST(WithReasonTest, LeavesOkUnchanged) {
  const absl::Status status = WithReason(absl::OkStatus(), v1::ERROR_REASON_BUSY);
  EXPECT_TRUE(status.ok());
  EXPECT_FALSE(status.GetPayload(kErrorInfoUrl).has_value());
}

TEST(ReasonOfTest, ReadsEveryReasonFromItsNameOnTheWire) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 1; i < reasons->value_count(); ++i) {
    const auto reason = static_cast<v1::ErrorReason>(reasons->value(i)->number());
    const absl::Status status = WithReason(absl::AbortedError("no"), reason, {{"after", "3"}});
    EXPECT_EQ(ReasonOf(status), reason);
    EXPECT_EQ("ERROR_REASON_" + ReasonText(status), reasons->value(i)->name());
    EXPECT_EQ(ReasonMetadata(status, "after"), "3");
    EXPECT_EQ(ReasonMetadata(status, "before"), "");
  }
}

TEST(ReasonOfTest, IsUnspecifiedWithoutAKnownReason) {
  absl::Status status = absl::UnavailableError("gone");
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonText(status), "");
  google::rpc::ErrorInfo info;
  info.set_reason("OF_A_NEWER_DAEMON");
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ReasonText(status), "OF_A_NEWER_DAEMON");
}

absl::Status PassOn(const absl::Status& status, bool* reached) {
  ANNEAL_RETURN_IF_ERROR(status);
  *reached = true;
  return absl::OkStatus();
}

TEST(ReturnIfErrorTest, ReturnsErrorsAndContinuesOnOk) {
  bool reached = false;
  EXPECT_EQ(PassOn(absl::NotFoundError("gone"), &reached), absl::NotFoundError("gone"));
  EXPECT_FALSE(reached);
  EXPECT_TRUE(PassOn(absl::OkStatus(), &reached).ok());
  EXPECT_TRUE(reached);
}

absl::StatusOr<int> Sum(absl::StatusOr<std::unique_ptr<int>> a, absl::StatusOr<int> b) {
  ANNEAL_ASSIGN_OR_RETURN(const std::unique_ptr<int> first, std::move(a));
  ANNEAL_ASSIGN_OR_RETURN(const int second, b);
  return *first + second;
}

TEST(AssignOrReturnTest, AssignsValuesThatCanOnlyBeMoved) {
  const absl::StatusOr<int> sum = Sum(std::make_unique<int>(2), 3);
  ASSERT_TRUE(sum.ok());
  EXPECT_EQ(*sum, 5);
}

TEST(AssignOrReturnTest, ReturnsTheFirstError) {
  EXPECT_EQ(Sum(absl::AbortedError("a"), absl::DataLossError("b")).status(),
            absl::AbortedError("a"));
  EXPECT_EQ(Sum(std::make_unique<int>(2), absl::DataLossError("b")).status(),
            absl::DataLossError("b"));
}

}  // namespace
}  // namespace anneal
