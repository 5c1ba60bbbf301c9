#include "server/api/page.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/sha256.h"
#include "common/status.h"
#include "nlohmann/json.hpp"

namespace anneal::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr int kDefaultSize = 50;
constexpr int kMaxSize = 1000;

const FieldDescriptor* Field(const Message& request, const char* name) {
  return request.GetDescriptor()->FindFieldByName(name);
}

// Returns a digest of all fields but page_size and page_token, which all pages of a list share.
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
  return InvalidField("page_token", absl::StrCat(what, "; start again without a page_token"));
}

nlohmann::json ToJson(const Position& position) {
  nlohmann::json list = nlohmann::json::array();
  for (const store::Value& value : position) {
    std::visit(
        [&list](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
            list.push_back(nullptr);
          } else {
            list.push_back(held);
          }
        },
        value);
  }
  return list;
}

std::optional<Position> FromJson(const nlohmann::json& list) {
  if (!list.is_array()) return std::nullopt;
  Position position;
  for (const nlohmann::json& item : list) {
    if (item.is_null()) {
      position.emplace_back();
    } else if (item.is_number_integer()) {
      position.emplace_back(item.get<int64_t>());
    } else if (item.is_number_float()) {
      position.emplace_back(item.get<double>());
    } else if (item.is_string()) {
      position.emplace_back(item.get<std::string>());
    } else {
      return std::nullopt;
    }
  }
  return position;
}

// A token is the fingerprint, a colon and the position in JSON.
absl::StatusOr<Position> ParseToken(const Message& request, const std::string& token,
                                    size_t values) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text)) return BadToken("was not made by this server");
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  const auto json = nlohmann::json::parse(parts.second, /*cb=*/nullptr, /*allow_exceptions=*/false);
  std::optional<Position> position = FromJson(json);
  if (!position.has_value()) return BadToken("was not made by this server");
  if (parts.first != Fingerprint(request)) {
    return BadToken("belongs to a request with other arguments");
  }
  // Compare byte for byte, because decoding base64 and JSON ignores some changes.
  if (position->size() != values || MakePageToken(request, *position) != token) {
    return BadToken("was not made by this server");
  }
  return *std::move(position);
}

}  // namespace

absl::StatusOr<Page> ParsePage(const Message& request, size_t values) {
  const auto* reflection = request.GetReflection();
  const int size = reflection->GetInt32(request, Field(request, "page_size"));
  if (size < 0) {
    return InvalidField("page_size", absl::StrCat("is ", size, "; must be 0 or more"));
  }
  Page page{.size = size == 0 ? kDefaultSize : std::min(size, kMaxSize)};
  const std::string token = reflection->GetString(request, Field(request, "page_token"));
  if (token.empty()) return page;
  ANNEAL_ASSIGN_OR_RETURN(page.begin, ParseToken(request, token, values));
  return page;
}

absl::StatusOr<NumberedPage> ParseNumberedPage(const Message& request,
                                               const std::vector<int64_t>& first) {
  ANNEAL_ASSIGN_OR_RETURN(const Page page, ParsePage(request, first.size()));
  NumberedPage numbered{.size = page.size, .begin = first};
  for (size_t i = 0; i < page.begin.size(); ++i) {
    const int64_t* number = std::get_if<int64_t>(&page.begin[i]);
    if (number == nullptr) return BadToken("was not made by this server");
    numbered.begin[i] = *number;
  }
  return numbered;
}

std::string MakePageToken(const Message& request, const Position& next) {
  return absl::WebSafeBase64Escape(absl::StrCat(Fingerprint(request), ":", ToJson(next).dump()));
}

}  // namespace anneal::api
