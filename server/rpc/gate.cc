#include "server/rpc/gate.h"

#include <grpcpp/security/auth_metadata_processor.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/status.h"
#include "server/store/experiment_store.h"

namespace anneal::rpc {
namespace {

constexpr char kAuthorization[] = "authorization";
// How soon files that have changed are read again.
constexpr unsigned kRefreshSeconds = 1;

absl::string_view ToView(grpc::string_ref text) { return {text.data(), text.size()}; }

absl::string_view Value(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                        const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? absl::string_view() : ToView(found->second);
}

// By the token that was shown; else by the certificate, if gRPC has verified one.
absl::StatusOr<auth::Caller> Authenticate(absl::string_view authorization,
                                          const grpc::AuthContext& context, auth::Tokens* tokens) {
  if (!authorization.empty()) {
    if (absl::ConsumePrefix(&authorization, "Bearer ")) return tokens->Check(authorization);
    return absl::UnauthenticatedError("the authorization is no `Bearer TOKEN`");
  }
  for (const grpc::string_ref& name : context.FindPropertyValues("x509_common_name")) {
    return tokens->Named(ToView(name));
  }
  return WithReason(
      absl::UnauthenticatedError("no token; make a context with --token-file, with a token of "
                                 "`anneald token create`"),
      "TOKEN_MISSING");
}

// It must not leave notes in the context, which all calls of a connection share.
class Gate final : public grpc::AuthMetadataProcessor {
 public:
  explicit Gate(const Services& services) : tokens_(services.tokens), metrics_(services.metrics) {}

  // Looks at a file: not on gRPC's own threads.
  bool IsBlocking() const override { return true; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* /*consumed*/, OutputMetadata* /*response*/) override {
    const absl::string_view method = Value(metadata, ":path");
    const grpc::Status status = Decide(method, metadata, *context);
    if (!status.ok()) {
      metrics_->CountRefusedCall(MethodLabel(method), CodeName(status.error_code()));
    }
    return status;
  }

 private:
  grpc::Status Decide(absl::string_view method, const InputMetadata& metadata,
                      const grpc::AuthContext& context) {
    const auto access = auth::AccessTo(method);
    if (access == auth::Access::kOpen) return grpc::Status::OK;
    const auto caller = Authenticate(Value(metadata, kAuthorization), context, tokens_);
    if (!caller.ok()) return ToGrpc(caller.status());
    if (!access.has_value()) {
      return {grpc::StatusCode::PERMISSION_DENIED, absl::StrCat(method, " is for nobody")};
    }
    return ToGrpc(auth::CheckRole(*caller, *access, method));
  }

  auth::Tokens* const tokens_;
  telemetry::Metrics* const metrics_;
};

bool IsTls(const grpc::AuthContext& context) {
  for (const grpc::string_ref& type : context.FindPropertyValues("transport_security_type")) {
    if (type == "ssl" || type == "tls") return true;
  }
  return false;
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> TlsCredentials(const auth::TlsFiles& files,
                                                        const Services& services) {
  namespace tls = grpc::experimental;
  const auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      files.key, files.certificate, files.client_ca, kRefreshSeconds);
  tls::TlsServerCredentialsOptions options(provider);
  options.watch_identity_key_cert_pairs();
  if (!files.client_ca.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  const auto credentials = tls::TlsServerCredentials(options);
  credentials->SetAuthMetadataProcessor(std::make_shared<Gate>(services));
  return credentials;
}

absl::StatusOr<std::optional<auth::Caller>> CallerOf(const grpc::CallbackServerContext& context,
                                                     auth::Tokens* tokens) {
  const auto connection = context.auth_context();
  if (connection == nullptr || !IsTls(*connection)) return std::nullopt;
  ANNEAL_ASSIGN_OR_RETURN(
      auth::Caller caller,
      Authenticate(Value(context.client_metadata(), kAuthorization), *connection, tokens));
  return std::optional(std::move(caller));
}

absl::Status CheckRate(const grpc::CallbackServerContext& context, const Services& services) {
  ANNEAL_ASSIGN_OR_RETURN(const auto caller, CallerOf(context, services.tokens));
  return caller.has_value() ? services.rate_limit->Take(caller->name) : absl::OkStatus();
}

absl::Status CheckMayChange(const grpc::CallbackServerContext& context, const Services& services,
                            const std::string& name) {
  ANNEAL_ASSIGN_OR_RETURN(const auto caller, CallerOf(context, services.tokens));
  if (!caller.has_value() || caller->role == auth::Role::ROLE_ADMIN) return absl::OkStatus();
  std::string id;
  if (IsRunName(name)) {
    ANNEAL_ASSIGN_OR_RETURN(const RunName run, ParseRunName("name", name));
    id = run.experiment_id;
  } else {
    ANNEAL_ASSIGN_OR_RETURN(id, ParseExperimentName("name", name));
  }
  std::string owner;
  ANNEAL_RETURN_IF_ERROR(services.store->Read([&](store::Connection& db) -> absl::Status {
    ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment, store::GetExperiment(db, id));
    owner = experiment.user();
    return absl::OkStatus();
  }));
  return auth::CheckOwner(*caller, owner, ExperimentName(id));
}

}  // namespace anneal::rpc
