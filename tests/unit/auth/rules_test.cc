#include "server/auth/rules.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "anneal/v1/services.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace anneal::auth {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

const Caller kReader = {.name = "rita", .role = Role::ROLE_READER};
const Caller kSubmitter = {.name = "sam", .role = Role::ROLE_SUBMITTER};
const Caller kAdmin = {.name = "ann", .role = Role::ROLE_ADMIN};

TEST(RulesTest, EveryMethodOfTheApiHasARuleAndNoneIsOpen) {
  const auto* file = v1::GetServerInfoRequest::descriptor()->file();
  int methods = 0;
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      const auto* method = file->service(s)->method(m);
      const std::string path =
          absl::StrCat("/", file->service(s)->full_name(), "/", method->name());
      const auto access = AccessTo(path);
      ASSERT_TRUE(access.has_value()) << path << " needs a rule";
      EXPECT_NE(*access, Access::kOpen) << path;
      bool reads = method->name() == "CompareExperiments";
      for (const char* verb : {"Get", "List", "Watch", "Download"}) {
        reads = reads || absl::StartsWith(method->name(), verb);
      }
      EXPECT_EQ(*access == Access::kRead, reads) << path;
      ++methods;
    }
  }
  EXPECT_GT(methods, 25);
}

TEST(RulesTest, OnlyHealthIsOpenAndMethodsWithoutARuleAreDenied) {
  EXPECT_EQ(AccessTo("/grpc.health.v1.Health/Check"), Access::kOpen);
  EXPECT_EQ(AccessTo("/grpc.health.v1.Health/Watch"), Access::kOpen);
  for (const char* method : {"", "/", "/anneal.v1.RunService/", "/anneal.v1.RunService/getrun",
                             "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                             "anneal.v1.RunService/GetRun"}) {
    EXPECT_EQ(AccessTo(method), std::nullopt) << method;
  }
}

TEST(RulesTest, ReadersReadSubmittersChangeAndAdminsDoAll) {
  for (const char* read : {"/anneal.v1.RunService/GetRun", "/grpc.health.v1.Health/Check"}) {
    EXPECT_TRUE(CheckMayCall(kReader, read).ok());
  }
  for (const char* change :
       {"/anneal.v1.ExperimentService/CreateExperiment", "/anneal.v1.RunService/CancelRun"}) {
    const absl::Status status = CheckMayCall(kReader, change);
    EXPECT_TRUE(absl::IsPermissionDenied(status));
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("rita"), HasSubstr("READER"), HasSubstr(change),
                      HasSubstr("--role submitter")));
    EXPECT_TRUE(CheckMayCall(kSubmitter, change).ok());
    EXPECT_TRUE(CheckMayCall(kAdmin, change).ok());
    EXPECT_FALSE(CheckMayCall({.name = "x"}, change).ok());
  }
  const char* administer = "/anneal.v1.ServerService/BackUpDatabase";
  EXPECT_TRUE(absl::IsPermissionDenied(CheckMayCall(kReader, administer)));
  const absl::Status status = CheckMayCall(kSubmitter, administer);
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--role admin"));
  EXPECT_TRUE(CheckMayCall(kAdmin, administer).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(CheckMayCall(kAdmin, "/anneal.v1.RunService/New")))
      << "a method without a rule is denied";
}

TEST(RulesTest, SubmittersChangeTheirOwnAndAdminsAll) {
  EXPECT_TRUE(CheckOwner(kSubmitter, "sam", "experiments/x").ok());
  EXPECT_TRUE(CheckOwner(kAdmin, "sam", "experiments/x").ok());
  for (const char* other : {"ada", "", "sam2"}) {
    EXPECT_TRUE(absl::IsPermissionDenied(CheckOwner(kSubmitter, other, "experiments/x")));
  }
  EXPECT_TRUE(absl::IsPermissionDenied(CheckOwner(kReader, "rita", "experiments/x")));
}

}  // namespace
}  // namespace anneal::auth
