#include "server/api/status.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status.h"
#include "google/rpc/error.pb.h"

namespace anneal::api {
namespace {

// Errors travel in HTTP/2 trailers, of which clients take 8 KiB in all: once as text, and once in
// the details, which hold the text again and the violations, in base64.
constexpr size_t kMostText = 1600;
constexpr size_t kMostViolations = 1800;

// Whole lines, as many as fit, and how many do not.
std::string CutToFit(absl::string_view message) {
  if (message.size() <= kMostText) return std::string(message);
  const size_t end = message.rfind('\n', kMostText);
  if (end == absl::string_view::npos) return absl::StrCat(message.substr(0, kMostText), "…");
  const auto left = std::count(message.begin() + end, message.end(), '\n');
  return absl::StrCat(message.substr(0, end), "\n(and ", left, " more)");
}

std::string CutToFit(absl::string_view url, const absl::Cord& payload) {
  google::rpc::BadRequest request;
  if (url != kBadRequestUrl || payload.size() <= kMostViolations ||
      !request.ParseFromString(std::string(payload))) {
    return std::string(payload);
  }
  while (request.ByteSizeLong() > kMostViolations) {
    request.mutable_field_violations()->RemoveLast();
  }
  return request.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(CutToFit(status.message()));
  status.ForEachPayload([&rich](absl::string_view url, const absl::Cord& payload) {
    auto* detail = rich.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(CutToFit(url, payload));
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

}  // namespace anneal::api
