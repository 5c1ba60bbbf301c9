#include "server/api/authorization.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anneal/v1/services.pb.h"
#include "common/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/store/store_test_util.h"

namespace anneal::api {
namespace {

using auth::Role;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kPerSecond = 3;

class AuthorizationTest : public store::StoreTest {
 protected:
  void SetUp() override {
    store::StoreTest::SetUp();
    authorization_ = std::make_unique<Authorization>(&tokens_, &rate_limit_, store_.get());
  }

  std::string CreateToken(const std::string& name, Role role,
                          std::optional<absl::Time> expires = std::nullopt) {
    const auto token = auth::CreateToken(path(), name, role, now_, expires);
    EXPECT_TRUE(token.ok()) << token.status();
    return token.value_or("");
  }
  static Credentials WithToken(const std::string& token) {
    return {.is_tls = true, .authorization = "Bearer " + token};
  }
  void InsertOf(const std::string& user, const std::string& id) {
    store::NewExperiment experiment = store::SomeExperiment(id);
    experiment.submission.set_user(user);
    Insert(experiment);
  }
  absl::Status ErrorOf(const Credentials& credentials) {
    return authorization_->Authorize(credentials, v1::GetRunRequest()).status();
  }
  std::string path() const { return directory_.file("tokens.textproto"); }

  absl::Time now_ = absl::FromUnixSeconds(1'795'500'000);
  auth::Tokens tokens_{path(), [this] { return now_; }};
  absl::Duration monotonic_now_;
  auth::RateLimit rate_limit_{kPerSecond, [this] { return monotonic_now_; }};
  std::unique_ptr<Authorization> authorization_;
};

TEST_F(AuthorizationTest, WithoutTlsEveryCallIsAuthorized) {
  InsertOf("ada", "first");
  for (const char* authorization : {"", "Bearer wrong", "Basic x"}) {
    const Credentials local = {.authorization = authorization};
    for (int i = 0; i < 2 * kPerSecond; ++i) {
      const auto caller = authorization_->Authorize(local, v1::BackUpDatabaseRequest());
      ASSERT_TRUE(caller.ok()) << caller.status();
      EXPECT_FALSE(caller->has_value());
      EXPECT_TRUE(authorization_->CheckOwner(*caller, "experiments/first").ok());
    }
  }
}

TEST_F(AuthorizationTest, OverTlsTheCallerIsTheTokensOwner) {
  const Credentials credentials = WithToken(CreateToken("ada", Role::ROLE_READER));
  const auto caller = authorization_->Authorize(credentials, v1::GetRunRequest());
  ASSERT_TRUE(caller.ok()) << caller.status();
  ASSERT_TRUE(caller->has_value());
  EXPECT_EQ((*caller)->name, "ada");
  EXPECT_EQ((*caller)->role, Role::ROLE_READER);
}

TEST_F(AuthorizationTest, OverTlsACallWithoutATokenIsUnauthenticated) {
  CreateToken("ada", Role::ROLE_ADMIN);
  const absl::Status status = ErrorOf({.is_tls = true});
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_MISSING);
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("anneald token create"), HasSubstr("--token-file")));
}

TEST_F(AuthorizationTest, OverTlsAWrongTokenIsUnauthenticated) {
  const std::string token = CreateToken("ada", Role::ROLE_ADMIN);
  for (const std::string& wrong : {std::string(), token + "0", "bob" + token.substr(3)}) {
    const absl::Status status = ErrorOf(WithToken(wrong));
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_UNKNOWN);
  }
  for (const std::string& malformed : {token, "bearer " + token, "Basic " + token}) {
    const absl::Status status = ErrorOf({.is_tls = true, .authorization = malformed});
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("Bearer TOKEN"));
  }
}

TEST_F(AuthorizationTest, AnExpiredTokenIsUnauthenticated) {
  const Credentials credentials =
      WithToken(CreateToken("ada", Role::ROLE_ADMIN, now_ + absl::Hours(1)));
  EXPECT_TRUE(ErrorOf(credentials).ok());
  now_ += absl::Hours(1);
  const absl::Status status = ErrorOf(credentials);
  EXPECT_TRUE(absl::IsUnauthenticated(status));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_EXPIRED);
}

TEST_F(AuthorizationTest, ARevokedTokenIsUnauthenticatedAtOnce) {
  const Credentials credentials = WithToken(CreateToken("ada", Role::ROLE_ADMIN));
  EXPECT_TRUE(ErrorOf(credentials).ok());
  ASSERT_TRUE(auth::RevokeToken(path(), "ada").ok());
  EXPECT_EQ(ReasonOf(ErrorOf(credentials)), v1::ERROR_REASON_TOKEN_UNKNOWN);
}

TEST_F(AuthorizationTest, ACertificatesNameIdentifiesTheCaller) {
  CreateToken("ada", Role::ROLE_SUBMITTER);
  const Credentials certificate = {.is_tls = true, .common_name = "ada"};
  const auto caller = authorization_->Identify(certificate);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ((*caller)->name, "ada");
  EXPECT_EQ((*caller)->role, Role::ROLE_SUBMITTER);
  for (const char* unknown : {"bob", ""}) {
    EXPECT_EQ(ReasonOf(ErrorOf({.is_tls = true, .common_name = unknown})),
              v1::ERROR_REASON_TOKEN_UNKNOWN);
  }
}

TEST_F(AuthorizationTest, ATokenTakesPrecedenceOverACertificate) {
  Credentials both = WithToken(CreateToken("ada", Role::ROLE_READER));
  CreateToken("bob", Role::ROLE_ADMIN);
  both.common_name = "bob";
  EXPECT_EQ((*authorization_->Identify(both))->name, "ada");
  both.authorization += "0";
  EXPECT_TRUE(absl::IsUnauthenticated(authorization_->Identify(both).status()));
}

TEST_F(AuthorizationTest, EveryMethodsRequestIsCheckedAgainstTheCallersRole) {
  const Credentials reader = WithToken(CreateToken("rita", Role::ROLE_READER));
  const Credentials submitter = WithToken(CreateToken("sam", Role::ROLE_SUBMITTER));
  const Credentials admin = WithToken(CreateToken("ann", Role::ROLE_ADMIN));
  const auto* file = v1::GetServerInfoRequest::descriptor()->file();
  int denied_to_readers = 0;
  for (int s = 0; s < file->service_count(); ++s) {
    for (int m = 0; m < file->service(s)->method_count(); ++m) {
      const auto* request = google::protobuf::MessageFactory::generated_factory()->GetPrototype(
          file->service(s)->method(m)->input_type());
      monotonic_now_ += absl::Seconds(1);
      EXPECT_TRUE(authorization_->Authorize(admin, *request).ok()) << request->GetTypeName();
      const absl::Status status = authorization_->Authorize(reader, *request).status();
      if (status.ok()) continue;
      ++denied_to_readers;
      EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
      EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_PERMISSION_DENIED);
    }
  }
  EXPECT_GT(denied_to_readers, 10);
  EXPECT_TRUE(authorization_->Authorize(submitter, v1::CancelRunRequest()).ok());
  const absl::Status status =
      authorization_->Authorize(submitter, v1::BackUpDatabaseRequest()).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("sam"), HasSubstr("BackUpDatabase"), HasSubstr("--role admin")));
}

TEST_F(AuthorizationTest, RateLimitsApplyPerCaller) {
  const Credentials ada = WithToken(CreateToken("ada", Role::ROLE_READER));
  const Credentials bob = WithToken(CreateToken("bob", Role::ROLE_READER));
  for (int i = 0; i < kPerSecond; ++i) EXPECT_TRUE(ErrorOf(ada).ok());
  const absl::Status status = ErrorOf(ada);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(authorization_->Identify(ada).ok()) << "identifying is no request";
  EXPECT_TRUE(ErrorOf(bob).ok());
  monotonic_now_ += absl::Seconds(1);
  EXPECT_TRUE(ErrorOf(ada).ok());
}

TEST_F(AuthorizationTest, AWrongTokenDoesNotConsumeItsOwnersRateLimit) {
  const std::string token = CreateToken("ada", Role::ROLE_READER);
  for (int i = 0; i < 2 * kPerSecond; ++i) {
    EXPECT_EQ(ReasonOf(ErrorOf(WithToken(token + "0"))), v1::ERROR_REASON_TOKEN_UNKNOWN);
  }
  EXPECT_TRUE(ErrorOf(WithToken(token)).ok());
}

TEST_F(AuthorizationTest, SubmittersChangeTheirOwnExperimentsAndRunsAndAdminsAll) {
  InsertOf("ada", "first");
  InsertOf("", "unowned");
  const OptionalCaller ada = auth::Caller{.name = "ada", .role = Role::ROLE_SUBMITTER};
  const OptionalCaller bob = auth::Caller{.name = "bob", .role = Role::ROLE_SUBMITTER};
  const OptionalCaller admin = auth::Caller{.name = "ann", .role = Role::ROLE_ADMIN};
  for (const char* name : {"experiments/first", "experiments/first/runs/0"}) {
    EXPECT_TRUE(authorization_->CheckOwner(ada, name).ok());
    EXPECT_TRUE(authorization_->CheckOwner(admin, name).ok());
    const absl::Status status = authorization_->CheckOwner(bob, name);
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("experiments/first"), HasSubstr("ada"), HasSubstr("bob")));
  }
  EXPECT_TRUE(absl::IsPermissionDenied(authorization_->CheckOwner(ada, "experiments/unowned")));
}

TEST_F(AuthorizationTest, TheOwnerOfAnUnknownExperimentIsNotFound) {
  const OptionalCaller ada = auth::Caller{.name = "ada", .role = Role::ROLE_SUBMITTER};
  EXPECT_EQ(ReasonOf(authorization_->CheckOwner(ada, "experiments/none")),
            v1::ERROR_REASON_EXPERIMENT_NOT_FOUND);
  for (const char* malformed : {"", "first", "experiments/", "experiments/first/runs/x"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(authorization_->CheckOwner(ada, malformed))) << malformed;
  }
}

// The properties of a connection, as gRPC reports them.
class FakeAuthContext final : public grpc::AuthContext {
 public:
  void AddProperty(const std::string& key, const grpc::string_ref& value) override {
    properties_.emplace(key, std::string(value.data(), value.size()));
  }
  std::vector<grpc::string_ref> FindPropertyValues(const std::string& name) const override {
    std::vector<grpc::string_ref> values;
    const auto [begin, end] = properties_.equal_range(name);
    for (auto it = begin; it != end; ++it) values.emplace_back(it->second);
    return values;
  }
  bool IsPeerAuthenticated() const override { return false; }
  std::vector<grpc::string_ref> GetPeerIdentity() const override { return {}; }
  std::string GetPeerIdentityPropertyName() const override { return ""; }
  bool SetPeerIdentityPropertyName(const std::string& /*name*/) override { return false; }
  grpc::AuthPropertyIterator begin() const override { return Iterator(); }
  grpc::AuthPropertyIterator end() const override { return Iterator(); }

 private:
  struct Iterator : grpc::AuthPropertyIterator {};
  std::multimap<std::string, std::string> properties_;
};

TEST(CredentialsOfTest, APlaintextOrInProcessConnectionIsNotTls) {
  EXPECT_FALSE(CredentialsOf(nullptr, "").is_tls);
  FakeAuthContext plaintext;
  EXPECT_FALSE(CredentialsOf(&plaintext, "Bearer x").is_tls);
  plaintext.AddProperty("transport_security_type", "insecure");
  EXPECT_FALSE(CredentialsOf(&plaintext, "Bearer x").is_tls);
}

TEST(CredentialsOfTest, TakesTheTokenAndTheVerifiedNameOfATlsConnection) {
  for (const char* type : {"ssl", "tls"}) {
    FakeAuthContext connection;
    connection.AddProperty("transport_security_type", type);
    Credentials credentials = CredentialsOf(&connection, "Bearer x");
    EXPECT_TRUE(credentials.is_tls);
    EXPECT_EQ(credentials.authorization, "Bearer x");
    EXPECT_EQ(credentials.common_name, std::nullopt);
    connection.AddProperty("x509_common_name", "ada");
    credentials = CredentialsOf(&connection, "");
    EXPECT_EQ(credentials.authorization, "");
    EXPECT_EQ(credentials.common_name, "ada");
  }
}

}  // namespace
}  // namespace anneal::api
