#include "server/transport/call_observer.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "server/auth/rules.h"
#include "server/telemetry/log.h"

namespace anneal::transport {
namespace {

using grpc::experimental::InterceptionHookPoints;
using Clock = std::chrono::steady_clock;

constexpr size_t kLongestRequestId = 64;

bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kLongestRequestId &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

// Returns an id that no other call has, of this process or of another.
std::string NewRequestId() {
  static const int64_t start = absl::ToUnixMicros(absl::Now());
  static std::atomic<int64_t> count = 0;
  return absl::StrFormat("%x-%d", start, ++count);
}

bool Changes(absl::string_view method) {
  const auto access = auth::AccessTo(method);
  return access == auth::Access::kSubmit || access == auth::Access::kOwn;
}

// Returns the label of metrics: a.B/C for the method "/a.B/C", `unknown` for all methods that do
// not exist.
std::string MethodLabel(absl::string_view path) {
  if (!auth::AccessTo(path).has_value()) return "unknown";
  return std::string(absl::StripPrefix(path, "/"));
}

// Returns the name of a code, such as NOT_FOUND.
std::string CodeName(grpc::StatusCode code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

bool IsOurFailure(grpc::StatusCode code) {
  return code == grpc::StatusCode::INTERNAL || code == grpc::StatusCode::UNKNOWN ||
         code == grpc::StatusCode::DATA_LOSS;
}

class CallObserver final : public grpc::experimental::Interceptor {
 public:
  CallObserver(const char* method, telemetry::Metrics* metrics)
      : method_(method), metrics_(metrics) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      const auto* metadata = methods->GetRecvInitialMetadata();
      const auto found = metadata->find(kRequestId);
      if (found != metadata->end()) id_.assign(found->second.data(), found->second.size());
      if (!IsRequestId(id_)) id_ = NewRequestId();
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      methods->GetSendInitialMetadata()->emplace(kRequestId, id_);
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      Note(methods->GetSendStatus());
    }
    methods->Proceed();
  }

 private:
  void Note(const grpc::Status& status) const {
    const double seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
    const std::string code = CodeName(status.error_code());
    metrics_->CountCall(MethodLabel(method_), code, seconds);
    const bool changes = status.ok() && Changes(method_);
    const bool failed = IsOurFailure(status.error_code());
    const auto level = failed    ? spdlog::level::err
                       : changes ? spdlog::level::info
                                 : spdlog::level::debug;
    if (!spdlog::should_log(level)) return;
    const telemetry::LogField request("request", id_);
    spdlog::log(level, absl::StrFormat("%s: %s%s%s in %.1f ms", method_, code, failed ? ": " : "",
                                       failed ? status.error_message() : "", 1e3 * seconds));
  }

  const char* const method_;  // outlives the service
  telemetry::Metrics* const metrics_;
  const Clock::time_point begin_ = Clock::now();
  std::string id_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(telemetry::Metrics* metrics) : metrics_(metrics) {}
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    return new CallObserver(info->method(), metrics_);
  }

 private:
  telemetry::Metrics* const metrics_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> ObserveCalls(
    telemetry::Metrics* metrics) {
  return std::make_unique<Factory>(metrics);
}

}  // namespace anneal::transport
