// HTTP/2 as no library speaks it: frames that are put together byte by byte, over TLS or plain.

#ifndef ANNEAL_TESTS_E2E_HTTP2_PEER_H_
#define ANNEAL_TESTS_E2E_HTTP2_PEER_H_

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/e2e/process.h"

namespace anneal {

// Types and flags of frames, RFC 9113.
inline constexpr uint8_t kData = 0;
inline constexpr uint8_t kHeaders = 1;
inline constexpr uint8_t kPriority = 2;
inline constexpr uint8_t kResetStream = 3;
inline constexpr uint8_t kSettings = 4;
inline constexpr uint8_t kPing = 6;
inline constexpr uint8_t kGoAway = 7;
inline constexpr uint8_t kWindowUpdate = 8;
inline constexpr uint8_t kContinuation = 9;
inline constexpr uint8_t kEndStream = 1;  // of a SETTINGS or PING: it is an answer
inline constexpr uint8_t kEndHeaders = 4;
inline constexpr uint8_t kPadded = 8;
inline constexpr uint8_t kWithPriority = 0x20;

inline constexpr size_t kLargestFrame = 16384;

// Whatever `length` is, any payload or none may follow.
std::string FrameHeader(size_t length, uint8_t type, uint8_t flags, uint32_t stream);
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload);
// HEADERS and as many CONTINUATIONs as `fields` need.
std::string HeaderFrames(uint8_t flags, uint32_t stream, absl::string_view fields);
// A number as HPACK has it, after the bits of `first`.
std::string HpackNumber(uint8_t first, int prefix_bits, uint64_t value);
// A header field in HPACK; `first` 0x40 has the peer remember it.
std::string Field(absl::string_view name, absl::string_view value, uint8_t first = 0);
// The fields with which a call of a method begins.
std::string CallFields(absl::string_view path);
// What a gRPC client would say before its first call.
std::string Greeting();

// The first message of a TLS handshake.
std::string ClientHello();

// A non-blocking socket that is connected to `address`'s port on the loopback, or -1.
int ConnectTo(const std::string& address);

// One connection. Not thread-safe.
class Http2Peer {
 public:
  struct Seen {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
  };

  // Over TLS if there is an authority that must have signed the daemon's certificate. A test
  // failure if the daemon does not accept.
  explicit Http2Peer(const std::string& address, const std::string& ca = "");
  ~Http2Peer();
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  // False once the daemon has hung up, or if it does not take the bytes in time.
  bool Send(absl::string_view bytes, Seconds patience = kSoon);
  // Reads no more, and so leaves the daemon with what it answers.
  void Ignore() { reads_ = false; }
  // Waits until the daemon answers a ping or has hung up: it has read all that was sent before.
  bool AnswersOrHangsUp(Seconds patience = kSoon);
  // Waits until the daemon has ended a stream or hung up.
  bool Ends(uint32_t stream, Seconds patience = kSoon);
  // Whether it has sent such a frame so far.
  bool HasSeen(uint8_t type, uint32_t stream) const;
  bool closed() const { return closed_; }

  static constexpr Seconds kSoon{10};

 private:
  void Shake(const std::string& ca);
  bool SendBytes(absl::string_view bytes, Seconds patience);
  // Reads what comes until something has come, or the time is up.
  void Receive(Seconds patience);
  void ReadFrames();

  const int socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_{nullptr, &SSL_CTX_free};
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
  bool closed_ = false;
  bool reads_ = true;
  std::string unread_;
  std::vector<Seen> seen_;
};

}  // namespace anneal

#endif  // ANNEAL_TESTS_E2E_HTTP2_PEER_H_
