#include "server/api/status.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "common/utf8.h"
#include "google/rpc/error.pb.h"

namespace anneal::api {
namespace {

// Errors travel in HTTP/2 trailers, which clients limit to 8 KiB. They contain the text, and the
// details in base64, which hold the text again and the violations.
constexpr size_t kMaxText = 1600;
constexpr size_t kMaxViolations = 1800;

// Returns as many whole lines as fit, and the number of those left out.
std::string Truncated(absl::string_view message) {
  if (message.size() <= kMaxText) return std::string(message);
  const size_t end = message.rfind('\n', kMaxText);
  if (end == absl::string_view::npos) return absl::StrCat(Utf8Prefix(message, kMaxText), "…");
  const auto left = std::count(message.begin() + end, message.end(), '\n');
  return absl::StrCat(message.substr(0, end), "\n(and ", left, " more)");
}

std::string Truncated(absl::string_view url, const absl::Cord& payload) {
  google::rpc::BadRequest request;
  if (url != kBadRequestUrl || payload.size() <= kMaxViolations ||
      !request.ParseFromString(std::string(payload))) {
    return std::string(payload);
  }
  while (request.ByteSizeLong() > kMaxViolations) {
    request.mutable_field_violations()->RemoveLast();
  }
  return request.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(Truncated(status.message()));
  status.ForEachPayload([&rich](absl::string_view url, const absl::Cord& payload) {
    auto* detail = rich.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(Truncated(url, payload));
  });
  if (!status.GetPayload(kErrorInfoUrl).has_value()) {
    google::rpc::ErrorInfo info;
    info.set_reason(absl::StatusCodeToString(status.code()));
    info.set_domain(std::string(kErrorDomain));
    rich.add_details()->PackFrom(info);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), rich.message(),
                      rich.SerializeAsString());
}

absl::Status OverloadError() {
  return WithReason(
      absl::UnavailableError("the daemon is overloaded and rejects new calls; try again soon"),
      v1::ERROR_REASON_BUSY);
}

}  // namespace anneal::api
