#include "client/endpoint.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "common/paths.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "tests/fixtures/temp_directory.h"

namespace anneal::client {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::HasSubstr;

// Uses separate directories for settings and state.
class EndpointTest : public ::testing::Test {
 protected:
  EndpointTest() {
    ::setenv("XDG_CONFIG_HOME", directory_.file("config").c_str(), 1);
    ::setenv("XDG_STATE_HOME", directory_.file("state").c_str(), 1);
    ::unsetenv("ANNEAL_SERVER");
  }
  ~EndpointTest() override {
    ::unsetenv("XDG_CONFIG_HOME");
    ::unsetenv("XDG_STATE_HOME");
    ::unsetenv("ANNEAL_SERVER");
  }

  static ClientConfig TwoContexts() {
    ClientConfig config;
    (*config.mutable_contexts())["lab"].set_server("lab:1");
    (*config.mutable_contexts())["home"].set_server("home:2");
    config.set_current("lab");
    return config;
  }
  static std::string ServerOf(const absl::StatusOr<Endpoint>& endpoint) {
    EXPECT_TRUE(endpoint.ok()) << endpoint.status();
    return endpoint.ok() ? endpoint->context.server() : "";
  }

  const TempDirectory directory_;
};

TEST_F(EndpointTest, DefaultsToTheDefaultPort) {
  const auto endpoint = ChooseEndpoint("", "");
  EXPECT_EQ(ServerOf(endpoint), "127.0.0.1:7433");
  EXPECT_EQ(endpoint->source, "the default");
}

TEST_F(EndpointTest, PrecedenceIsFlagThenContextThenEnvironment) {
  ASSERT_TRUE(WriteClientConfig(TwoContexts()).ok());
  EXPECT_EQ(ServerOf(ChooseEndpoint("", "")), "lab:1");
  ::setenv("ANNEAL_SERVER", "variable:3", 1);
  EXPECT_EQ(ServerOf(ChooseEndpoint("", "")), "variable:3");
  EXPECT_EQ(ServerOf(ChooseEndpoint("", "home")), "home:2");
  EXPECT_EQ(ServerOf(ChooseEndpoint("flag:4", "home")), "flag:4");
  EXPECT_EQ(ChooseEndpoint("", "home")->source, "context home");
}

TEST_F(EndpointTest, AnUnknownContextIsNotFoundAndListsTheOthers) {
  EXPECT_THAT(ChooseEndpoint("", "x").status().message(), HasSubstr("context add"));
  ASSERT_TRUE(WriteClientConfig(TwoContexts()).ok());
  const absl::Status status = ChooseEndpoint("", "x").status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(status.message(), AllOf(HasSubstr("\"x\""), HasSubstr("home, lab")));
}

TEST_F(EndpointTest, SettingsRoundTripAndArePrivateToTheirOwner) {
  const auto empty = ReadClientConfig();
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_TRUE(MessageDifferencer::Equals(*empty, ClientConfig()));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(WriteClientConfig(TwoContexts()).ok());
    struct stat info {};
    ASSERT_EQ(::stat(ClientConfigPath().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
    EXPECT_TRUE(MessageDifferencer::Equals(*ReadClientConfig(), TwoContexts()));
  }
}

TEST_F(EndpointTest, SettingsReadableByOthersAreRejected) {
  ASSERT_TRUE(WriteClientConfig(TwoContexts()).ok());
  for (const mode_t mode : {0644U, 0660U, 0602U}) {
    ASSERT_EQ(::chmod(ClientConfigPath().c_str(), mode), 0);
    const absl::Status status = ChooseEndpoint("", "").status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status));
    EXPECT_THAT(status.message(), HasSubstr("chmod 600"));
  }
  EXPECT_EQ(ServerOf(ChooseEndpoint("flag:4", "")), "flag:4") << "they are not asked";
}

TEST_F(EndpointTest, DamagedSettingsAreNamed) {
  ASSERT_TRUE(WriteClientConfig(TwoContexts()).ok());
  std::ofstream(ClientConfigPath(), std::ios::app) << "contexts {";
  EXPECT_THAT(ReadClientConfig().status().message(),
              AllOf(HasSubstr(ClientConfigPath()), HasSubstr("line "), HasSubstr("remove it")));
}

TEST_F(EndpointTest, ADirectoryThatCannotBeWrittenIsAnError) {
  std::ofstream(directory_.file("config")) << "a file";
  EXPECT_THAT(WriteClientConfig(TwoContexts()).message(), HasSubstr("cannot write"));
}

TEST(CheckContextTest, NeedsAnAddressAndTlsForAToken) {
  Context context;
  for (const char* bad : {"", "host", ":1", "host:"}) {
    context.set_server(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(CheckContext(context))) << bad;
  }
  for (const char* good : {"host:1", "[::1]:7433", "unix:/tmp/s"}) {
    context.set_server(good);
    EXPECT_TRUE(CheckContext(context).ok()) << good;
  }
  context.set_token_file("/t");
  EXPECT_THAT(CheckContext(context).message(), HasSubstr("--ca"));
  context.set_ca_file("/c");
  EXPECT_TRUE(CheckContext(context).ok());
}

}  // namespace
}  // namespace anneal::client
