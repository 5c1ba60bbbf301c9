// Fuzzes page tokens, raw and with a valid fingerprint around a fuzzed position: accepted only if
// MakePageToken produces the identical token, otherwise INVALID_ARGUMENT.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "anneal/v1/services.pb.h"
#include "server/api/page.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

void Try(v1::ListRunsRequest request, const std::string& token) {
  request.set_page_token(token);
  const auto numbered = api::ParseNumberedPage(request, {0, -2});
  const auto page = api::ParsePage(request, 2);
  if (!page.ok()) {
    Require(absl::IsInvalidArgument(page.status()), "a bad token is INVALID_ARGUMENT");
    Require(!numbered.ok(), "a bad token is one for numbered pages too");
    return;
  }
  Require(page->begin.size() == 2 || token.empty(), "a page has as many values as were asked for");
  Require(token.empty() || api::MakePageToken(request, page->begin) == token,
          "a token that is taken is one that was given");
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  anneal::v1::ListRunsRequest request;
  request.set_parent("experiments/a");
  anneal::fuzz::Try(request, input);
  std::string text;
  absl::WebSafeBase64Unescape(anneal::api::MakePageToken(request, {}), &text);
  const std::string fingerprint = text.substr(0, text.find(':') + 1);
  anneal::fuzz::Try(request, absl::WebSafeBase64Escape(absl::StrCat(fingerprint, input)));
  return 0;
}
