#include "server/api/authorization.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anneal/v1/services.pb.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/store/experiment_store.h"

namespace anneal::api {
namespace {

constexpr char kAuthorization[] = "authorization";

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

// Of the method that takes such requests: every method has a message of its own.
const std::string& MethodOf(const google::protobuf::Descriptor* request) {
  static const auto& methods = *[] {
    auto* paths = new std::map<const google::protobuf::Descriptor*, std::string>();
    const auto* file = v1::GetServerInfoRequest::descriptor()->file();
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const auto* method = file->service(s)->method(m);
        (*paths)[method->input_type()] =
            absl::StrCat("/", method->service()->full_name(), "/", method->name());
      }
    }
    return paths;
  }();
  return methods.at(request);
}

bool IsTls(const grpc::AuthContext& context) {
  for (const grpc::string_ref& type : context.FindPropertyValues("transport_security_type")) {
    if (type == "ssl" || type == "tls") return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<std::optional<auth::Caller>> CallerOf(const grpc::CallbackServerContext& context,
                                                     auth::Tokens* tokens) {
  const auto connection = context.auth_context();
  if (connection == nullptr || !IsTls(*connection)) return std::nullopt;
  ANNEAL_ASSIGN_OR_RETURN(
      auth::Caller caller,
      Authenticate(Value(context.client_metadata(), kAuthorization), *connection, tokens));
  return std::optional(std::move(caller));
}

absl::Status Busy() {
  return WithReason(absl::UnavailableError("very many calls wait for the daemon; try again soon"),
                    "BUSY");
}

absl::Status CheckMayCall(const grpc::CallbackServerContext& context, const Services& services,
                          const google::protobuf::Message& request) {
  ANNEAL_ASSIGN_OR_RETURN(const auto caller, CallerOf(context, services.tokens));
  if (!caller.has_value()) return absl::OkStatus();
  ANNEAL_RETURN_IF_ERROR(services.rate_limit->Take(caller->name));
  return auth::CheckMayCall(*caller, MethodOf(request.GetDescriptor()));
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

}  // namespace anneal::api
