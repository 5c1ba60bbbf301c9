// Tests that the hook does not guard client connections in a server's process.

#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/transport/grpc_1_51/frame_guard.h"

namespace anneal::transport::grpc_1_51 {
namespace {

constexpr size_t kPrefaceSize = 24;
constexpr uint8_t kData = 0, kHeaders = 1, kSettings = 4;
constexpr uint8_t kEndStream = 1, kEndHeaders = 4, kAcknowledged = 1;

std::string Frame(uint8_t type, uint8_t flags, uint8_t stream, size_t size) {
  return {static_cast<char>(size >> 16),
          static_cast<char>(size >> 8),
          static_cast<char>(size),
          static_cast<char>(type),
          static_cast<char>(flags),
          0,
          0,
          0,
          static_cast<char>(stream)};
}

std::string Frame(uint8_t type, uint8_t flags, uint8_t stream, const std::string& payload) {
  return Frame(type, flags, stream, payload.size()) + payload;
}

// A literal header field, RFC 7541.
std::string Field(const std::string& name, const std::string& value) {
  return absl::StrCat(std::string(1, '\0'), std::string(1, static_cast<char>(name.size())), name,
                      std::string(1, static_cast<char>(value.size())), value);
}

// Returns a socket that listens on the loopback address, and its port.
int Listen(int* port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener, any, size), 0);
  EXPECT_EQ(::listen(listener, 1), 0);
  EXPECT_EQ(::getsockname(listener, any, &size), 0);
  *port = ntohs(address.sin_port);
  return listener;
}

// Reads frames of a client until one of `type`. Returns false if the connection ends before it.
bool Await(int connection, uint8_t type) {
  while (true) {
    uint8_t header[9];
    if (::recv(connection, header, sizeof(header), MSG_WAITALL) != sizeof(header)) return false;
    std::string payload((header[0] << 16) + (header[1] << 8) + header[2], '\0');
    const auto size = static_cast<ssize_t>(payload.size());
    if (size > 0 && ::recv(connection, payload.data(), payload.size(), MSG_WAITALL) != size) {
      return false;
    }
    if (header[3] == type) return true;
  }
}

// Answers one call with a message of `pieces` pieces, each sent in a segment of its own.
void Answer(int listener, const std::string& piece, int pieces) {
  const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  const absl::Cleanup close = [connection] { ::close(connection); };
  const int yes = 1;
  ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  const auto send = [connection](const std::string& bytes) {
    ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  };
  std::string preface(kPrefaceSize, '\0');
  ::recv(connection, preface.data(), preface.size(), MSG_WAITALL);
  send(Frame(kSettings, 0, 0, "") + Frame(kSettings, kAcknowledged, 0, ""));
  if (!Await(connection, kHeaders)) return;
  send(Frame(kHeaders, kEndHeaders, 1, "\x88" + Field("content-type", "application/grpc")));
  const size_t size = piece.size() * static_cast<size_t>(pieces);
  send(Frame(kData, 0, 1, 5 + size) + std::string(3, '\0') + static_cast<char>(size >> 8) +
       static_cast<char>(size));
  for (int i = 0; i < pieces; ++i) {
    // Pauses, so that many of the client's reads begin with a piece.
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    send(piece);
  }
  send(Frame(kHeaders, kEndHeaders | kEndStream, 1, Field("grpc-status", "0")));
  // The client closes.
  char rest = 0;
  while (::recv(connection, &rest, 1, 0) > 0) {
  }
}

TEST(FrameGuardHookTest, ClientConnectionsAreNotGuarded) {
  ASSERT_TRUE(FramesAreGuarded());
  // Looks like the beginning of a connection with a header list that a server must refuse.
  std::string piece = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "");
  piece += Frame(kHeaders, 0, 1, FrameGuard::kMaxHeaderBytes) + std::string(100, 'x');
  constexpr int kPieces = 30;
  int port = 0;
  const int listener = Listen(&port);
  std::thread server([&] { Answer(listener, piece, kPieces); });

  grpc::Status status;
  std::string got;
  {
    grpc::GenericStub stub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::ByteBuffer answer;
    const auto call = stub.PrepareUnaryCall(&context, "/any.Service/Call", {}, &queue);
    call->StartCall();
    call->Finish(&answer, &status, nullptr);
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
    std::vector<grpc::Slice> slices;
    EXPECT_TRUE(!answer.Valid() || answer.Dump(&slices).ok());
    for (const grpc::Slice& slice : slices) {
      got.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  server.join();
  ::close(listener);
  EXPECT_TRUE(status.ok()) << status.error_message();
  std::string sent;
  for (int i = 0; i < kPieces; ++i) sent += piece;
  EXPECT_EQ(got, sent);
}

}  // namespace
}  // namespace anneal::transport::grpc_1_51
