#include "server/rpc/page.h"

#include <algorithm>
#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/sha256.h"
#include "common/status.h"

namespace anneal::rpc {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kDefaultSize = 50;
constexpr int kMaxSize = 1000;

const FieldDescriptor* Field(const Message& request, const char* name) {
  return request.GetDescriptor()->FindFieldByName(name);
}

// Of everything in the request but the paging: two pages of one list have it in common.
std::string Fingerprint(const Message& request) {
  const std::unique_ptr<Message> arguments(request.New());
  arguments->CopyFrom(request);
  arguments->GetReflection()->ClearField(arguments.get(), Field(request, "page_size"));
  arguments->GetReflection()->ClearField(arguments.get(), Field(request, "page_token"));
  Sha256 hash;
  hash.Update(request.GetTypeName());
  hash.Update(arguments->SerializeAsString());
  return hash.HexDigest().substr(0, 16);
}

absl::Status BadToken(absl::string_view what) {
  return InvalidField("page_token", absl::StrCat(what, "; begin again without one"));
}

absl::StatusOr<Position> ParseToken(const Message& request, const std::string& token,
                                    size_t numbers) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return BadToken("is not one of this server's");
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  if (parts.size() != numbers + 1) return BadToken("is not one of this server's");
  if (parts[0] != Fingerprint(request)) {
    return BadToken("comes from a request with other arguments");
  }
  Position position;
  for (size_t i = 1; i < parts.size(); ++i) {
    if (!absl::SimpleAtoi(parts[i], &position.emplace_back())) {
      return BadToken("is not one of this server's");
    }
  }
  return position;
}

}  // namespace

absl::StatusOr<Page> ParsePage(const Message& request, const Position& first) {
  const auto* reflection = request.GetReflection();
  const int size = reflection->GetInt32(request, Field(request, "page_size"));
  if (size < 0) {
    return InvalidField("page_size", absl::StrCat("is ", size, "; allowed is 0 and up"));
  }
  Page page{.size = size == 0 ? kDefaultSize : std::min(size, kMaxSize), .begin = first};
  const std::string token = reflection->GetString(request, Field(request, "page_token"));
  if (token.empty()) return page;
  ANNEAL_ASSIGN_OR_RETURN(page.begin, ParseToken(request, token, first.size()));
  return page;
}

std::string MakePageToken(const Message& request, const Position& next) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(Fingerprint(request), ":", absl::StrJoin(next, ":")));
}

}  // namespace anneal::rpc
