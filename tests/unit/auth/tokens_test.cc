#include "server/auth/tokens.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class TokensTest : public ::testing::Test {
 protected:
  TokensTest() : tokens_(path(), [this] { return now_; }) {}

  std::string path() const { return directory_.file("tokens.textproto"); }
  std::string Create(const std::string& name, Role role = Role::ROLE_SUBMITTER,
                     std::optional<absl::Time> expires = std::nullopt) {
    const auto token = CreateToken(path(), name, role, now_, expires);
    EXPECT_TRUE(token.ok()) << token.status();
    return token.value_or("");
  }
  std::string Contents() const {
    std::ifstream file(path());
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  const TempDirectory directory_;
  absl::Time now_ = absl::FromUnixSeconds(1'795'500'000);
  Tokens tokens_;
};

TEST_F(TokensTest, WithoutAFileEveryTokenIsUnknown) {
  EXPECT_TRUE(absl::IsUnauthenticated(tokens_.Check("ada.x").status()));
  EXPECT_TRUE(absl::IsUnauthenticated(tokens_.Check("").status()));
  EXPECT_TRUE(absl::IsUnauthenticated(tokens_.Named("ada").status()));
}

TEST_F(TokensTest, ATokenNamesItsOwnerAndRole) {
  const std::string ada = Create("ada");
  const std::string bob = Create("bob", Role::ROLE_READER);
  const auto caller = tokens_.Check(ada);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(caller->name, "ada");
  EXPECT_EQ(caller->role, Role::ROLE_SUBMITTER);
  EXPECT_EQ(tokens_.Check(bob)->role, Role::ROLE_READER);
  EXPECT_EQ(tokens_.Named("bob")->name, "bob");
}

TEST_F(TokensTest, RejectsEveryOtherToken) {
  const std::string token = Create("ada");
  const std::string other = Create("bob");
  EXPECT_THAT(token, StartsWith("ada."));
  EXPECT_GE(token.size(), 4 + 64U);
  std::vector<std::string> wrong = {"",
                                    "ada",
                                    "ada.",
                                    token.substr(1),
                                    token + "0",
                                    token.substr(0, token.size() - 1),
                                    "bob." + token.substr(4),
                                    " " + token};
  for (size_t i = 4; i < token.size(); i += 7) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    wrong.push_back(changed);
  }
  for (const std::string& one : wrong) {
    const absl::Status status = tokens_.Check(one).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << one;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr(token.substr(4, 10))));
  }
}

TEST_F(TokensTest, TheFileIsPrivateAndHasNoSecret) {
  const std::string token = Create("ada");
  struct stat info {};
  ASSERT_EQ(::stat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_THAT(Contents(), Not(HasSubstr(token.substr(4))));
  EXPECT_NE(Create("bob").substr(4), token.substr(4));
  const auto file = ReadTokens(path());
  ASSERT_TRUE(file.ok());
  EXPECT_NE(file->tokens(0).salt(), file->tokens(1).salt());
}

TEST_F(TokensTest, ExpiresAtItsTime) {
  const std::string token = Create("ada", Role::ROLE_ADMIN, now_ + absl::Hours(1));
  now_ += absl::Minutes(59);
  EXPECT_TRUE(tokens_.Check(token).ok());
  now_ += absl::Minutes(1);
  EXPECT_THAT(std::string(tokens_.Check(token).status().message()), HasSubstr("expired"));
  EXPECT_TRUE(absl::IsUnauthenticated(tokens_.Named("ada").status()));
}

TEST_F(TokensTest, RevokingAndReplacingTakeEffectAtOnce) {
  const std::string old = Create("ada");
  EXPECT_TRUE(tokens_.Check(old).ok());
  EXPECT_TRUE(RevokeToken(path(), "ada").ok());
  EXPECT_FALSE(tokens_.Check(old).ok());
  const std::string fresh = Create("ada");
  EXPECT_TRUE(tokens_.Check(fresh).ok());
  EXPECT_FALSE(tokens_.Check(old).ok());
}

TEST_F(TokensTest, NamesAreUniqueAndLikeExperimentIds) {
  Create("ada");
  EXPECT_TRUE(absl::IsAlreadyExists(
      CreateToken(path(), "ada", Role::ROLE_READER, now_, std::nullopt).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      CreateToken(path(), "A.b", Role::ROLE_READER, now_, std::nullopt).status()));
  EXPECT_TRUE(absl::IsNotFound(RevokeToken(path(), "bob")));
}

TEST_F(TokensTest, AFileThatOthersMayReadOrThatIsDamagedRejectsEveryToken) {
  const std::string token = Create("ada");
  ASSERT_TRUE(tokens_.Check(token).ok());
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  EXPECT_FALSE(tokens_.Check(token).ok());
  EXPECT_THAT(std::string(ReadTokens(path()).status().message()), HasSubstr("chmod 600"));
  ASSERT_EQ(::chmod(path().c_str(), 0600), 0);
  EXPECT_TRUE(tokens_.Check(token).ok()) << "repaired";
  std::ofstream(path(), std::ios::app) << "tokens {";
  EXPECT_FALSE(tokens_.Check(token).ok());
  EXPECT_THAT(std::string(ReadTokens(path()).status().message()), HasSubstr("line "));
}

TEST_F(TokensTest, TokensMayBeCreatedConcurrently) {
  std::vector<std::thread> threads;
  std::vector<std::string> made(8);
  for (size_t i = 0; i < made.size(); ++i) {
    threads.emplace_back([this, i, &made] { made[i] = Create("user-" + std::to_string(i)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& token : made) EXPECT_TRUE(tokens_.Check(token).ok());
}

}  // namespace
}  // namespace anneal::auth
