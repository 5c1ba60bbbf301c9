#include "tests/e2e/malformed_frames.h"

#include "absl/strings/str_cat.h"
#include "tests/e2e/http2_peer.h"

namespace anneal {
namespace {

// Keeps the NUL bytes.
template <size_t N>
std::string Bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}

std::string Repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

std::vector<Malformed> OfWrongSize(const std::string& fields) {
  const std::string too_long(kLargestFrame + 1, '\0');
  return {
      {"DATA beyond the limit", Frame(kData, 0, 1, too_long)},
      {"HEADERS beyond the limit", Frame(kHeaders, kEndHeaders, 1, fields + too_long)},
      {"SETTINGS beyond the limit", Frame(kSettings, 0, 0, too_long)},
      {"an unknown type beyond the limit", Frame(0xee, 0, 0, too_long)},
      {"GOAWAY of 16 MiB", FrameHeader(0xffffff, kGoAway, 0, 0)},
      {"SETTINGS of 5 bytes", Frame(kSettings, 0, 0, "12345")},
      {"an answer to SETTINGS with a payload", Frame(kSettings, kEndStream, 0, "123456")},
      {"PING of 7 bytes", Frame(kPing, 0, 0, "1234567")},
      {"PING of 9 bytes", Frame(kPing, 0, 0, "123456789")},
      {"WINDOW_UPDATE of 3 bytes", Frame(kWindowUpdate, 0, 0, "123")},
      {"RST_STREAM of 5 bytes", Frame(kResetStream, 0, 1, "12345")},
      {"PRIORITY of 4 bytes", Frame(kPriority, 0, 1, "1234")},
      {"GOAWAY of 4 bytes", Frame(kGoAway, 0, 0, "1234")},
      {"HEADERS of nothing", Frame(kHeaders, kEndHeaders, 1, "")},
      {"HEADERS with a priority of 2 bytes", Frame(kHeaders, kWithPriority, 1, "12")},
      {"HEADERS with more padding than payload", Frame(kHeaders, kPadded | 5, 1, "\xff" + fields)},
      {"HEADERS with padding and no payload", Frame(kHeaders, kPadded | 5, 1, "")},
      {"DATA with more padding than payload",
       HeaderFrames(0, 1, fields) + Frame(kData, kPadded, 1, "\x10 few")},
      {"a message longer than allowed",
       HeaderFrames(0, 1, fields) + Frame(kData, kEndStream, 1, Bytes("\0\xff\xff\xff\xff"))},
      {"a frame without its payload", FrameHeader(100, kHeaders, kEndHeaders, 1), true},
      {"half a frame", Frame(kHeaders, kEndHeaders, 1, fields).substr(0, 20), true},
      {"half the header of a frame", FrameHeader(100, kHeaders, 0, 1).substr(0, 5), true},
      {"half a message", HeaderFrames(0, 1, fields) + Frame(kData, 0, 1, Bytes("\0\0\0\1\0few")),
       true},
  };
}

std::vector<Malformed> OutOfPlace(const std::string& fields) {
  const std::string call = HeaderFrames(kEndStream, 1, fields);
  const std::string begun = Frame(kHeaders, 0, 1, fields);
  return {
      {"unknown types", Frame(0x0a, 0xff, 0, "?") + Frame(0xff, 0xff, 77, "?")},
      {"a second greeting", Greeting()},
      {"CONTINUATION without HEADERS", Frame(kContinuation, kEndHeaders, 1, fields)},
      {"CONTINUATION of another stream", begun + Frame(kContinuation, kEndHeaders, 3, fields)},
      {"DATA amid HEADERS", begun + Frame(kData, 0, 1, "few")},
      {"CONTINUATIONs of nothing", begun + Repeat(Frame(kContinuation, 0, 1, ""), 20'000)},
      {"HEADERS on stream 0", HeaderFrames(0, 0, fields)},
      {"HEADERS on an even stream", HeaderFrames(0, 2, fields)},
      {"HEADERS on an earlier stream",
       HeaderFrames(0, 9, fields) + HeaderFrames(kEndStream, 3, fields)},
      {"HEADERS thrice on a stream", call + call + call},
      {"PUSH_PROMISE", Frame(5, kEndHeaders, 1, Bytes("\0\0\0\2") + fields)},
      {"DATA on stream 0", Frame(kData, 0, 0, "few")},
      {"DATA of an idle stream", Frame(kData, 0, 99, "few")},
      {"DATA after the end", call + Frame(kData, kEndStream, 1, "few")},
      {"RST_STREAM of an idle stream", Frame(kResetStream, 0, 99, Bytes("\0\0\0\1"))},
      {"RST_STREAM of stream 0", Frame(kResetStream, 0, 0, Bytes("\0\0\0\1"))},
      {"PRIORITY on itself", Frame(kPriority, 0, 1, Bytes("\0\0\0\1\xff"))},
      {"HEADERS with a priority on itself",
       Frame(kHeaders, kWithPriority | 5, 1, Bytes("\0\0\0\1\xff") + fields)},
      {"WINDOW_UPDATE of 0", call + Repeat(Frame(kWindowUpdate, 0, 0, Bytes("\0\0\0\0")), 100)},
      {"WINDOW_UPDATE of 0 for a stream", call + Frame(kWindowUpdate, 0, 1, Bytes("\0\0\0\0"))},
      {"WINDOW_UPDATEs beyond 2^31", Repeat(Frame(kWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), 5)},
      {"WINDOW_UPDATEs of a stream beyond 2^31",
       HeaderFrames(0, 1, fields) + Repeat(Frame(kWindowUpdate, 0, 1, "\x7f\xff\xff\xff"), 5)},
      {"SETTINGS of a stream", Frame(kSettings, 0, 1, "")},
      {"SETTINGS with values that are not allowed", Frame(kSettings, 0, 0,
                                                          Bytes("\0\2\0\0\0\7"
                                                                "\0\4\xff\xff\xff\xff"
                                                                "\0\5\0\0\0\0"
                                                                "\xff\xff\xff\xff\xff\xff"))},
      {"SETTINGS that change windows under way",
       HeaderFrames(0, 1, fields) + Repeat(Frame(kSettings, 0, 0,
                                                 Bytes("\0\4\x7f\xff\xff\xff"
                                                       "\0\4\0\0\0\0")),
                                           1000)},
      {"answers to no SETTINGS", Repeat(Frame(kSettings, kEndStream, 0, ""), 1000)},
      {"PING of a stream", Frame(kPing, 0, 1, "01234567")},
      {"answers to no PING", Repeat(Frame(kPing, kEndStream, 0, "01234567"), 1000)},
      {"GOAWAY, and then a call", Frame(kGoAway, 0, 0, std::string(8, '\xff')) + call},
  };
}

std::vector<Malformed> DamagedFields(const std::string& fields) {
  const std::string large = Bytes("\x3f\xe1\xff\xff\xff\x0f");  // a table of 4 GiB
  const std::vector<std::pair<const char*, std::string>> damaged = {
      {"index 0", "\x80"},
      {"an index beyond the tables", "\xff\xff\x7f"},
      {"an integer of 64 bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"},
      {"an integer without end", std::string(5000, '\xff')},
      {"an integer of zeros", "\xff" + std::string(5000, '\x80')},
      {"a name of 4 GiB", Bytes("\0\x7f\xff\xff\xff\xff\x0f name")},
      {"a value of 2 GiB", Bytes("\0\1a\x7f\x80\xff\xff\xff\7 value")},
      {"a value that is cut", Bytes("\0\1a\x20 few")},
      {"Huffman codes that are the end", Bytes("\0\1a\x84\xff\xff\xff\xff")},
      {"Huffman codes that are cut", Bytes("\0\1a\x81\xfe")},
      {"Huffman codes with padding of zeros", Bytes("\0\1a\x82\x1c\x00")},
      {"a table larger than allowed", large},
      {"a table that changes after fields", Field("a", "b") + "\x20" + large},
      {"a table that changes a thousand times", Repeat("\x20\x3f\xe1\x1f", 1000)},
      {"no name", Field("", "value")},
      {"a name of other bytes", Field(Bytes("\0\n:\xff"), "value")},
      {"a value of other bytes", Field("a", Bytes("\0\r\n\xff"))},
      {"binary values that are none", Field("a-bin", "%%%") + Field("b-bin", "=")},
      {"a pseudo field that is unknown", Field(":what", "x")},
      {"a pseudo field at the end", Field("a", "x") + Field(":path", "/other")},
      {"a path of nothing", Field(":path", "")},
  };
  std::vector<Malformed> all;
  for (const auto& [name, field] : damaged) {
    all.push_back({name, HeaderFrames(kEndStream, 1, fields + field)});
    all.push_back({absl::StrCat(name, ", at first"), HeaderFrames(kEndStream, 1, field + fields)});
  }
  return all;
}

}  // namespace

std::vector<Malformed> MalformedFrames(absl::string_view method) {
  const std::string fields = CallFields(method);
  std::vector<Malformed> all = OfWrongSize(fields);
  for (auto more : {OutOfPlace(fields), DamagedFields(fields)}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

std::string RandomBytes(std::mt19937* random, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>((*random)()));
  return bytes;
}

std::string RandomFrames(std::mt19937* random, absl::string_view method) {
  const auto below = [random](uint32_t limit) { return (*random)() % limit; };
  std::string frames;
  for (uint32_t i = 0, count = 1 + below(20); i < count; ++i) {
    const auto type = static_cast<uint8_t>(below(11));
    const auto flags = static_cast<uint8_t>((*random)());
    // Every second HEADERS frame would be valid except for its flags.
    const std::string payload =
        type == kHeaders && below(2) == 0 ? CallFields(method) : RandomBytes(random, below(40));
    frames += Frame(type, flags, below(4), payload);
  }
  return frames;
}

std::vector<std::string> FieldsOfGrpc() {
  std::vector<std::string> fields;
  for (const char* name : {"te",
                           ":scheme",
                           ":method",
                           ":status",
                           ":authority",
                           "content-type",
                           "user-agent",
                           "host",
                           "grpc-timeout",
                           "grpc-status",
                           "grpc-message",
                           "grpc-encoding",
                           "grpc-accept-encoding",
                           "grpc-internal-encoding-request",
                           "grpc-previous-rpc-attempts",
                           "grpc-retry-pushback-ms",
                           "grpc-tags-bin",
                           "grpc-trace-bin",
                           "grpc-server-stats-bin",
                           "grpclb_client_stats",
                           "lb-token",
                           "lb-cost-bin",
                           "endpoint-load-metrics-bin"}) {
    for (const char* value : {"", "x"}) {
      fields.push_back(Field(name, value));
    }
  }
  return fields;
}

std::vector<Endless> EndlessHeaders(absl::string_view method) {
  const std::string fields = CallFields(method);
  const std::string remembered = Field("a", std::string(4000, 'x'), 0x40);
  const std::string text(kLargestFrame, 'x');
  return {
      {.name = "large fields",
       .begin = Frame(kHeaders, 0, 1, fields),
       .part = Frame(kContinuation, 0, 1, Field("a", std::string(16'000, 'x')))},
      {.name = "small fields",
       .begin = Frame(kHeaders, 0, 1, fields),
       .part = Frame(kContinuation, 0, 1, Repeat(Field("a", "b"), 3000))},
      // Each byte represents 4000.
      {.name = "one field over and over",
       .begin = Frame(kHeaders, 0, 1, fields + remembered),
       .part = Frame(kContinuation, 0, 1, std::string(kLargestFrame, '\xbe'))},
      {.name = "a value",
       .begin = Frame(kHeaders, 0, 1, fields + Bytes("\0\1a") + HpackNumber(0, 7, 1 << 30)),
       .part = Frame(kContinuation, 0, 1, text)},
      {.name = "an integer",
       .begin = Frame(kHeaders, 0, 1, fields + "\xff"),
       .part = Frame(kContinuation, 0, 1, std::string(kLargestFrame, '\x80'))},
  };
}

}  // namespace anneal
