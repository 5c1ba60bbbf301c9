#include "server/api/authorization.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "anneal/v1/services.pb.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "server/store/experiment_store.h"

namespace anneal::api {
namespace {

constexpr char kAuthorization[] = "authorization";

std::string ToString(grpc::string_ref text) { return {text.data(), text.size()}; }

// Returns the method that takes such requests; every method has a request message of its own.
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

}  // namespace

Credentials CredentialsOf(const grpc::AuthContext* connection, absl::string_view authorization) {
  Credentials credentials = {.authorization = std::string(authorization)};
  if (connection == nullptr) return credentials;
  for (const grpc::string_ref& type : connection->FindPropertyValues("transport_security_type")) {
    credentials.is_tls = credentials.is_tls || type == "ssl" || type == "tls";
  }
  const auto names = connection->FindPropertyValues("x509_common_name");
  if (!names.empty()) credentials.common_name = ToString(names.front());
  return credentials;
}

Credentials CredentialsOf(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kAuthorization);
  return CredentialsOf(context.auth_context().get(),
                       found == metadata.end() ? "" : ToString(found->second));
}

absl::StatusOr<OptionalCaller> Authorization::Identify(const Credentials& credentials) const {
  if (!credentials.is_tls) return std::nullopt;
  absl::string_view authorization = credentials.authorization;
  if (absl::ConsumePrefix(&authorization, "Bearer ")) return tokens_.Check(authorization);
  if (!authorization.empty()) {
    return absl::UnauthenticatedError(
        "the authorization metadata has another form than `Bearer TOKEN`");
  }
  if (credentials.common_name.has_value()) return tokens_.Named(*credentials.common_name);
  return WithReason(
      absl::UnauthenticatedError("the call has no token; create one with `anneald token create`, "
                                 "and use it with `anneal context add ... --token-file FILE`"),
      v1::ERROR_REASON_TOKEN_MISSING);
}

absl::StatusOr<OptionalCaller> Authorization::Authorize(
    const Credentials& credentials, const google::protobuf::Message& request) const {
  ANNEAL_ASSIGN_OR_RETURN(OptionalCaller caller, Identify(credentials));
  if (!caller.has_value()) return caller;
  ANNEAL_RETURN_IF_ERROR(rate_limit_.Take(caller->name));
  ANNEAL_RETURN_IF_ERROR(auth::CheckMayCall(*caller, MethodOf(request.GetDescriptor())));
  return caller;
}

absl::Status Authorization::CheckOwner(const OptionalCaller& caller,
                                       const std::string& name) const {
  if (!caller.has_value() || caller->role == auth::Role::ROLE_ADMIN) return absl::OkStatus();
  std::string id;
  if (IsRunName(name)) {
    ANNEAL_ASSIGN_OR_RETURN(const RunName run, ParseRunName("name", name));
    id = run.experiment_id;
  } else {
    ANNEAL_ASSIGN_OR_RETURN(id, ParseExperimentName("name", name));
  }
  ANNEAL_ASSIGN_OR_RETURN(const v1::Experiment experiment, store_.Read([&](store::Connection& db) {
    return store::GetExperiment(db, id);
  }));
  return auth::CheckOwner(*caller, experiment.user(), ExperimentName(id));
}

}  // namespace anneal::api
