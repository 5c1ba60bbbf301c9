// `Http2Peer` sends hand-built HTTP/2 frames, over TLS or plain text.

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

// Frame types and flags, RFC 9113.
inline constexpr uint8_t kData = 0;
inline constexpr uint8_t kHeaders = 1;
inline constexpr uint8_t kPriority = 2;
inline constexpr uint8_t kResetStream = 3;
inline constexpr uint8_t kSettings = 4;
inline constexpr uint8_t kPing = 6;
inline constexpr uint8_t kGoAway = 7;
inline constexpr uint8_t kWindowUpdate = 8;
inline constexpr uint8_t kContinuation = 9;
inline constexpr uint8_t kEndStream = 1;  // in SETTINGS and PING: ACK
inline constexpr uint8_t kEndHeaders = 4;
inline constexpr uint8_t kPadded = 8;
inline constexpr uint8_t kWithPriority = 0x20;

inline constexpr size_t kLargestFrame = 16384;

// Returns a frame header; `length` may differ from the payload that follows.
std::string FrameHeader(size_t length, uint8_t type, uint8_t flags, uint32_t stream);
std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, absl::string_view payload);
// Returns HEADERS and as many CONTINUATION frames as `fields` need.
std::string HeaderFrames(uint8_t flags, uint32_t stream, absl::string_view fields);
// Returns an HPACK integer after the bits of `first`.
std::string HpackNumber(uint8_t first, int prefix_bits, uint64_t value);
// Returns an HPACK header field; with a `first` of 0x40 the peer adds it to its dynamic table.
std::string Field(absl::string_view name, absl::string_view value, uint8_t first = 0);
// Returns the header fields that start a call of a method.
std::string CallFields(absl::string_view path);
// Returns the bytes that a gRPC client sends before its first call.
std::string Greeting();

// Returns a TLS ClientHello.
std::string ClientHello();

// Returns a non-blocking socket connected to `address`'s port on loopback, or -1.
int ConnectTo(const std::string& address);

// One connection. Not thread-safe.
class Http2Peer {
 public:
  struct Seen {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
  };

  // Connects over TLS if `ca`, the authority of the daemon's certificate, is set. Fails the test if
  // the daemon does not accept the connection.
  explicit Http2Peer(const std::string& address, const std::string& ca = "");
  ~Http2Peer();
  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  // Returns false if the daemon has closed the connection or does not accept the bytes in time.
  bool Send(absl::string_view bytes, Seconds patience = kSoon);
  // Stops reading, so that the daemon's responses stay unread.
  void Ignore() { reads_ = false; }
  // Waits for the response to a ping, or for the connection to close: the daemon has then read
  // everything sent before.
  bool AnswersOrHangsUp(Seconds patience = kSoon);
  // Waits until the daemon ends a stream or closes the connection.
  bool Ends(uint32_t stream, Seconds patience = kSoon);
  // Returns true if the daemon has sent such a frame.
  bool HasSeen(uint8_t type, uint32_t stream) const;
  bool closed() const { return closed_; }

  static constexpr Seconds kSoon{10};

 private:
  void Shake(const std::string& ca);
  bool SendBytes(absl::string_view bytes, Seconds patience);
  // Reads until data arrives or the time is up.
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
