// Sends malicious traffic without a token: malformed frames, calls reset at once, endless header
// lists, thousands of connections, wrong tokens. None of it may end the daemon, exhaust its memory
// or log, or deny service to others.

#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/e2e/daemon_state.h"
#include "tests/e2e/http2_peer.h"
#include "tests/e2e/malformed_frames.h"
#include "tests/e2e/records.h"
#include "tests/e2e/tls_daemon.h"
#include "tests/e2e/workarounds.h"

namespace anneal {
namespace {

constexpr char kMethod[] = "/anneal.v1.ExperimentService/ListExperiments";
constexpr char kOpenMethod[] = "/grpc.health.v1.Health/Check";
// An empty message in gRPC framing.
constexpr absl::string_view kEmptyMessage("\0\0\0\0\0", 5);
constexpr Seconds kServedWithin(5);
constexpr int64_t kMostGrowth = 150 << 20;
// The handshake timeout of the daemon, with a margin.
constexpr Seconds kHandshake(10 + 10);

int DescriptorsOf(pid_t process) {
  const std::filesystem::directory_iterator all(absl::StrCat("/proc/", process, "/fd"));
  return static_cast<int>(std::distance(begin(all), end(all)));
}

// A call that is reset at once, before or after the complete request was sent.
std::string ResetCall(uint32_t stream, bool with_message) {
  std::string frames = HeaderFrames(0, stream, CallFields(kMethod));
  if (with_message) frames += Frame(kData, kEndStream, stream, kEmptyMessage);
  return frames + Frame(kResetStream, 0, stream, absl::string_view("\0\0\0\x8", 4));
}

class AbuseTest : public ::testing::Test, protected TlsDaemon {
 protected:
  // The address that needs no token.
  struct Door {
    const char* name;
    std::string address;
    std::string ca;
  };

  AbuseTest()
      : TlsDaemon({"--listen", "127.0.0.1:0"}),
        doors_({{"TLS", address_, tls_.file("ca.pem")},
                {"plain", Lines(Contents(daemon_.file("address"))).at(1), ""}}),
        token_(Token("ada", "reader")),
        friend_(Channel()) {
    EXPECT_TRUE(ServesOthers("nothing"));
    resident_before_ = ResidentBytesOf(daemon_.pid());
  }
  void TearDown() override {
    if (HasFatalFailure()) return;
    friend_.reset();
    EXPECT_EQ(daemon_.Stop(), 0) << daemon_.process().errors();
  }

  static std::unique_ptr<Http2Peer> Greet(const Door& door) {
    auto peer = std::make_unique<Http2Peer>(door.address, door.ca);
    peer->Send(Greeting());
    return peer;
  }
  // Expects that token owners are served, on existing and on new connections.
  ::testing::AssertionResult ServesOthers(const std::string& after) {
    for (const auto& channel : {friend_, Channel()}) {
      const auto start = std::chrono::steady_clock::now();
      const grpc::StatusCode code = CodeOf(channel, kMethod, token_);
      const Seconds taken = std::chrono::steady_clock::now() - start;
      if (code == grpc::StatusCode::OK && taken < kServedWithin) continue;
      return ::testing::AssertionFailure()
             << code << " in " << taken.count() << " s after " << after << "\n"
             << daemon_.process().errors();
    }
    return ::testing::AssertionSuccess();
  }
  ::testing::AssertionResult HasGrownLittle(const std::string& after) const {
#ifndef __SANITIZE_ADDRESS__  // pads allocations and quarantines freed memory
    const int64_t growth = ResidentBytesOf(daemon_.pid()) - resident_before_;
    if (growth > kMostGrowth) {
      return ::testing::AssertionFailure() << (growth >> 20) << " MiB more after " << after;
    }
#endif
    return ::testing::AssertionSuccess();
  }
  // Expects that the daemon has read everything that a peer sent, and still serves others.
  ::testing::AssertionResult IsHarmless(Http2Peer* peer, const std::string& what) {
    if (peer->AnswersOrHangsUp()) return ServesOthers(what);
    return ::testing::AssertionFailure() << what << ": neither answered nor hung up on";
  }

  const std::vector<Door> doors_;
  const std::string token_;
  std::shared_ptr<grpc::Channel> friend_;
  int64_t resident_before_ = 0;
};

TEST_F(AbuseTest, MalformedFramesDoNotAffectOtherConnections) {
  for (const Door& door : doors_) {
    for (const Malformed& sent : MalformedFrames(kOpenMethod)) {
      const auto peer = Greet(door);
      peer->Send(sent.bytes);
      const std::string what = absl::StrCat(sent.name, ", ", door.name);
      // The daemon waits for the rest of a truncated frame: no response is due.
      if (!sent.is_cut) {
        ASSERT_TRUE(IsHarmless(peer.get(), what));
      }
    }
    ASSERT_TRUE(ServesOthers("all of them"));
  }
}

TEST_F(AbuseTest, RandomBytesDoNotAffectOtherConnections) {
  std::mt19937 random(20230425);
  for (const Door& door : doors_) {
    for (int i = 0; i < 100; ++i) {
      const auto peer = Greet(door);
      const std::string what = absl::StrCat("random bytes ", i, ", ", door.name);
      if (i % 2 == 0) {
        peer->Send(RandomBytes(&random, random() % 4096));
      } else {
        peer->Send(RandomFrames(&random, kMethod));
        ASSERT_TRUE(IsHarmless(peer.get(), what));
      }
    }
    ASSERT_TRUE(ServesOthers("random bytes"));
  }
}

// gRPC 1.51 calls abort() for some metadata: grpclb_client_stats with an AuthMetadataProcessor, and
// oversized values in error messages (CVE-2023-1428).
TEST_F(AbuseTest, ReservedMetadataDoesNotAffectOtherConnections) {
  const std::string more = Field("more", std::string(10'000, 'x'));
  for (const Door& door : doors_) {
    for (const std::string& field : FieldsOfGrpc()) {
      const auto peer = Greet(door);
      peer->Send(HeaderFrames(kEndStream, 1, absl::StrCat(CallFields(kOpenMethod), field, more)));
      ASSERT_TRUE(IsHarmless(peer.get(), absl::StrCat(field.substr(2), ", ", door.name)));
    }
  }
}

// A reset call does not count towards the 128 concurrent streams but exists until it is cleaned up;
// cleanup must keep up (CVE-2023-44487).
TEST_F(AbuseTest, RapidResetsNeitherDelayOthersNorLeakMemory) {
  constexpr uint32_t kResets = 20'000;  // of each connection
  constexpr uint32_t kAtOnce = 100;
  SKIP_WITHOUT_GRPC_1_51();
  for (const bool with_message : {false, true}) {
    std::vector<std::unique_ptr<Http2Peer>> peers;
    for (int i = 0; i < 4; ++i) peers.push_back(Greet(doors_[0]));
    for (uint32_t done = 0; done < kResets; done += kAtOnce) {
      std::string frames;
      for (uint32_t i = done; i < done + kAtOnce; ++i) {
        frames += ResetCall(2 * i + 1, with_message);
      }
      // The daemon may also close the connection.
      for (const auto& peer : peers) peer->Send(frames);
      if (done % 1000 != 0) continue;
      const std::string what = absl::StrCat(done, " resets of four");
      ASSERT_TRUE(ServesOthers(what));
      ASSERT_TRUE(HasGrownLittle(what));
    }
    for (const auto& peer : peers) ASSERT_TRUE(IsHarmless(peer.get(), "all resets"));
    ASSERT_TRUE(HasGrownLittle("all resets"));
  }
}

TEST_F(AbuseTest, UnreadResponsesDoNotAccumulate) {
  // Each requires a response.
  for (const std::string& wanting :
       {Frame(kSettings, 0, 0, ""), Frame(kPing, 0, 0, "01234567"),
        HeaderFrames(kEndStream, 1, CallFields("/no.Service/Method"))}) {
    const auto peer = Greet(doors_[0]);
    peer->Ignore();
    std::string many;
    while (many.size() < 1 << 20) many += wanting;
    // The daemon may stop reading or close the connection.
    for (int i = 0; i < 64 && peer->Send(many, Seconds(1)); ++i) {
    }
    ASSERT_TRUE(ServesOthers("answers that were not read"));
    ASSERT_TRUE(HasGrownLittle("answers that were not read"));
  }
}

// The method needs no role. gRPC 1.51 responds and drops the excess fields; refusing the call would
// be correct, too.
TEST_F(AbuseTest, HugeHeaderListsDoNotAffectOtherConnections) {
  SKIP_WITHOUT_GRPC_1_51();
  const auto call = [&](const Door& door, const std::string& more) {
    auto peer = Greet(door);
    peer->Send(HeaderFrames(0, 1, CallFields(kOpenMethod) + more)) &&
        peer->Send(Frame(kData, kEndStream, 1, kEmptyMessage));
    EXPECT_TRUE(peer->Ends(1)) << more.size() << " bytes, " << door.name;
    return peer;
  };
  for (const Door& door : doors_) {
    EXPECT_TRUE(call(door, Field("small", "x"))->HasSeen(kData, 1)) << door.name;
    for (const size_t size : {64 << 10, 1 << 20, 4 << 20}) {
      std::string many;
      while (many.size() < size) many += Field(absl::StrCat("field-", many.size()), "value");
      call(door, Field("one", std::string(size, 'x')));
      call(door, many);
      ASSERT_TRUE(ServesOthers(absl::StrCat(size, " bytes, ", door.name)));
    }
    ASSERT_TRUE(HasGrownLittle("huge headers"));
  }
}

// Each part is small, and the list never ends: even fields that gRPC will drop must not be buffered
// until then (CVE-2023-33953).
TEST_F(AbuseTest, EndlessHeaderListsDoNotAccumulate) {
  SKIP_WITHOUT_GRPC_1_51();
  for (const Door& door : doors_) {
    for (const Endless& endless : EndlessHeaders(kOpenMethod)) {
      const std::string what = absl::StrCat(endless.name, ", ", door.name);
      const auto peer = Greet(door);
      peer->Send(endless.begin);
      std::string part;
      while (part.size() < 1 << 20) part += endless.part;
      // At most 256 MiB in 5 s. The daemon may, and should, close the connection.
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      for (int i = 0; i < 256 && std::chrono::steady_clock::now() < deadline; ++i) {
        if (!peer->Send(part, Seconds(1))) break;
      }
      ASSERT_TRUE(ServesOthers(what));
      ASSERT_TRUE(HasGrownLittle(what));
    }
  }
}

TEST_F(AbuseTest, TenThousandIncompleteHandshakesAreClosed) {
  constexpr int kConnections = 10'000;
  constexpr int kFriends = 2;
  constexpr int kAtOnce = 400;  // fewer than the descriptors of either process
  const int before = DescriptorsOf(daemon_.pid());
  const std::string hello = ClientHello();
  std::vector<std::unique_ptr<Http2Peer>> open;
  for (int i = 0; i < kConnections; ++i) {
    if (i % kAtOnce == 0) {
      ASSERT_TRUE(ServesOthers(absl::StrCat(i, " connections")));
      open.clear();
    }
    auto connection = std::make_unique<Http2Peer>(address_);
    ASSERT_FALSE(connection->closed()) << i;
    // Half stay silent; the others start a handshake, some closing at once.
    if (i % 4 == 1) connection->Send(absl::string_view(hello).substr(0, hello.size() / 2));
    if (i % 4 == 3) connection->Send(hello);
    if (i % 8 < 6) open.push_back(std::move(connection));
  }
  ASSERT_TRUE(ServesOthers("all connections"));
  // The daemon closes open connections; the last one served may remain.
  EXPECT_TRUE(
      Eventually([&] { return DescriptorsOf(daemon_.pid()) <= before + kFriends; }, kHandshake))
      << DescriptorsOf(daemon_.pid()) << " descriptors, before " << before;
  ASSERT_TRUE(ServesOthers("all were given up"));
  ASSERT_TRUE(HasGrownLittle("all connections"));
}

TEST_F(AbuseTest, TenThousandWrongTokensAreRejectedAndNotLogged) {
  std::mt19937 random(7);
  const auto channel = Channel();
  std::vector<std::string> secrets;
  for (int i = 0; i < 10'000; ++i) {
    secrets.push_back(absl::StrCat(absl::Hex(random(), absl::kZeroPad8), "-wrong-", i));
    // Some tokens name an existing owner, some none.
    const std::string token =
        i % 2 == 0 ? token_.substr(0, token_.find('.') + 1) + secrets.back() : secrets.back();
    ASSERT_EQ(CodeOf(channel, kMethod, token), grpc::StatusCode::UNAUTHENTICATED) << i;
    if (i % 1000 == 0) {
      ASSERT_TRUE(ServesOthers(absl::StrCat(i, " wrong tokens")));
    }
  }
  ASSERT_TRUE(ServesOthers("all wrong tokens"));
  const std::string log = daemon_.process().errors();
  for (const std::string& secret : secrets) EXPECT_FALSE(absl::StrContains(log, secret));
  EXPECT_LT(log.size(), 10'000U) << "whoever comes could fill the log";
  ASSERT_TRUE(HasGrownLittle("wrong tokens"));
}

}  // namespace
}  // namespace anneal
