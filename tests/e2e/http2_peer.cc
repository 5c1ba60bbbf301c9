#include "tests/e2e/http2_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace anneal {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned char kAlpn[] = {2, 'h', '2'};

std::string BigEndian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}

uint32_t NumberAt(absl::string_view text, size_t from, size_t bytes) {
  uint32_t value = 0;
  for (size_t i = from; i < from + bytes; ++i) value = value << 8 | static_cast<uint8_t>(text[i]);
  return value;
}

Clock::time_point After(Seconds patience) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(patience);
}

// Returns true if one of `events` occurs before `deadline`.
bool Waits(int socket, int events, Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd end = {socket, static_cast<short>(events), 0};
  return ::poll(&end, 1, static_cast<int>(std::max<int64_t>(left, 0))) > 0;
}

// Sends the bytes that TLS has produced.
std::string Take(SSL* ssl) {
  std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl)), '\0');
  if (!bytes.empty()) BIO_read(SSL_get_wbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

// Reads and writes buffers instead of a socket, whose writes would raise SIGPIPE.
SSL* NewClient(SSL_CTX* context) {
  SSL* const ssl = SSL_new(context);
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_alpn_protos(ssl, kAlpn, sizeof(kAlpn));
  SSL_set_tlsext_host_name(ssl, "localhost");
  SSL_set_connect_state(ssl);
  return ssl;
}

}  // namespace

std::string FrameHeader(size_t length, uint8_t type, uint8_t flags, uint32_t stream) {
  return absl::StrCat(BigEndian(length, 3), BigEndian(type, 1), BigEndian(flags, 1),
                      BigEndian(stream, 4));
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload) {
  return absl::StrCat(FrameHeader(payload.size(), type, flags, stream), payload);
}

std::string HeaderFrames(uint8_t flags, uint32_t stream, absl::string_view fields) {
  std::string frames;
  uint8_t type = kHeaders;
  do {
    const absl::string_view part = fields.substr(0, kLargestFrame);
    fields.remove_prefix(part.size());
    if (fields.empty()) flags |= kEndHeaders;
    absl::StrAppend(&frames, Frame(type, flags, stream, part));
    type = kContinuation;
    flags = 0;
  } while (!fields.empty());
  return frames;
}

std::string HpackNumber(uint8_t first, int prefix_bits, uint64_t value) {
  const uint64_t most = (1U << prefix_bits) - 1;
  if (value < most) return BigEndian(first | value, 1);
  std::string text = BigEndian(first | most, 1);
  for (value -= most; value >= 128; value >>= 7) text += BigEndian(128 | value % 128, 1);
  return text + BigEndian(value, 1);
}

std::string Field(absl::string_view name, absl::string_view value, uint8_t first) {
  return absl::StrCat(BigEndian(first, 1), HpackNumber(0, 7, name.size()), name,
                      HpackNumber(0, 7, value.size()), value);
}

std::string CallFields(absl::string_view path) {
  return absl::StrCat(Field(":method", "POST"), Field(":scheme", "http"), Field(":path", path),
                      Field(":authority", "localhost"), Field("content-type", "application/grpc"),
                      Field("te", "trailers"));
}

std::string Greeting() {
  return absl::StrCat("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Frame(kSettings, 0, 0, ""));
}

std::string ClientHello() {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(NewClient(context.get()), &SSL_free);
  SSL_do_handshake(ssl.get());
  return Take(ssl.get());
}

int ConnectTo(const std::string& address) {
  sockaddr_in to{};
  int port = 0;
  EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port));
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  int error = 0;
  socklen_t size = sizeof(error);
  if (Waits(socket, POLLOUT, After(Http2Peer::kSoon)) &&
      ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
    return socket;
  }
  ::close(socket);
  return -1;
}

Http2Peer::Http2Peer(const std::string& address, const std::string& ca)
    : socket_(ConnectTo(address)) {
  closed_ = socket_ < 0;
  EXPECT_FALSE(closed_) << "nobody is at " << address;
  if (!closed_ && !ca.empty()) Shake(ca);
}

Http2Peer::~Http2Peer() {
  if (socket_ >= 0) ::close(socket_);
}

void Http2Peer::Shake(const std::string& ca) {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  EXPECT_EQ(SSL_CTX_load_verify_file(context_.get(), ca.c_str()), 1) << ca;
  SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
  ssl_.reset(NewClient(context_.get()));
  SSL_set1_host(ssl_.get(), "localhost");
  const auto deadline = After(kSoon);
  int done = SSL_do_handshake(ssl_.get());
  while (SendBytes(Take(ssl_.get()), kSoon) && done != 1 && Clock::now() < deadline) {
    Receive(kSoon);
    done = SSL_do_handshake(ssl_.get());
  }
  EXPECT_EQ(done, 1) << "no TLS: " << SSL_get_error(ssl_.get(), done);
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &chosen, &size);
  EXPECT_EQ(size, 2U) << "no h2";
}

bool Http2Peer::Send(absl::string_view bytes, Seconds patience) {
  if (ssl_ == nullptr || bytes.empty()) return SendBytes(bytes, patience);
  if (SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) closed_ = true;
  return SendBytes(Take(ssl_.get()), patience);
}

bool Http2Peer::SendBytes(absl::string_view bytes, Seconds patience) {
  const auto deadline = After(patience);
  while (!closed_ && !bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno != EAGAIN) {
      closed_ = true;
    } else if (!Waits(socket_, POLLOUT | (reads_ ? POLLIN : 0), deadline)) {
      return false;
    } else if (reads_) {
      Receive(Seconds(0));
    }
  }
  return !closed_;
}

void Http2Peer::Receive(Seconds patience) {
  char bytes[65536];
  if (closed_ || !Waits(socket_, POLLIN, After(patience))) return;
  const ssize_t size = ::recv(socket_, bytes, sizeof(bytes), 0);
  if (size == 0 || (size < 0 && errno != EAGAIN)) closed_ = true;
  if (size <= 0) return;
  if (ssl_ == nullptr) {
    unread_.append(bytes, static_cast<size_t>(size));
  } else {
    BIO_write(SSL_get_rbio(ssl_.get()), bytes, static_cast<int>(size));
    if (SSL_is_init_finished(ssl_.get()) == 0) return;
    int plain = 0;
    while ((plain = SSL_read(ssl_.get(), bytes, sizeof(bytes))) > 0) {
      unread_.append(bytes, static_cast<size_t>(plain));
    }
  }
  ReadFrames();
}

void Http2Peer::ReadFrames() {
  constexpr size_t kHeader = 9;
  size_t at = 0;
  while (unread_.size() - at >= kHeader) {
    const size_t size = NumberAt(unread_, at, 3);
    if (unread_.size() - at - kHeader < size) break;
    seen_.push_back({.type = static_cast<uint8_t>(unread_[at + 3]),
                     .flags = static_cast<uint8_t>(unread_[at + 4]),
                     .stream = NumberAt(unread_, at + 5, 4)});
    at += kHeader + size;
  }
  unread_.erase(0, at);
}

bool Http2Peer::AnswersOrHangsUp(Seconds patience) {
  const auto deadline = After(patience);
  const auto pong = [](const Seen& frame) {
    return frame.type == kPing && (frame.flags & kEndStream) != 0;
  };
  seen_.erase(std::remove_if(seen_.begin(), seen_.end(), pong), seen_.end());
  Send(Frame(kPing, 0, 0, "01234567"));
  while (!closed_ && std::none_of(seen_.begin(), seen_.end(), pong)) {
    if (Clock::now() > deadline) return false;
    Receive(std::chrono::milliseconds(100));
  }
  return true;
}

bool Http2Peer::Ends(uint32_t stream, Seconds patience) {
  const auto deadline = After(patience);
  const auto end = [stream](const Seen& frame) {
    return frame.stream == stream && (frame.type == kResetStream ||
                                      (frame.type == kHeaders && (frame.flags & kEndStream) != 0));
  };
  while (!closed_ && std::none_of(seen_.begin(), seen_.end(), end)) {
    if (Clock::now() > deadline) return false;
    Receive(std::chrono::milliseconds(100));
  }
  return true;
}

bool Http2Peer::HasSeen(uint8_t type, uint32_t stream) const {
  return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& frame) {
    return frame.type == type && frame.stream == stream;
  });
}

}  // namespace anneal
