#include "server/commands/token_command.h"

#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/enum_name.h"
#include "common/status.h"
#include "server/auth/tokens.h"
#include "server/commands/arguments.h"

namespace anneal::commands {
namespace {

struct TokenOptions {
  std::string name;
  auth::Role role = auth::Role::ROLE_READER;
  std::string expires;
};

int Create(const std::string& data_dir, const TokenOptions& options) {
  const absl::Time now = absl::Now();
  std::optional<absl::Time> expires;
  if (!options.expires.empty()) {
    const auto age = ParseAge("--expires", options.expires);
    if (!age.ok()) return Complain(age.status());
    expires = now + *age;
  }
  ::umask(0077);
  std::error_code error;
  std::filesystem::create_directories(data_dir, error);  // opening the file reports errors
  const auto token =
      auth::CreateToken(auth::TokensPath(data_dir), options.name, options.role, now, expires);
  if (!token.ok()) return Complain(token.status());
  std::cerr << "the token of " << options.name << "; it is not shown again:\n";
  std::cout << *token << "\n";
  return 0;
}

std::string DayOf(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d %H:%M", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

int List(const std::string& data_dir) {
  const auto tokens = auth::ReadTokens(auth::TokensPath(data_dir));
  if (!tokens.ok()) return Complain(tokens.status());
  std::cout << absl::StreamFormat("%-24s %-10s %-17s %s\n", "NAME", "ROLE", "CREATED (UTC)",
                                  "EXPIRES (UTC)");
  for (const server::Token& token : tokens->tokens()) {
    std::cout << absl::StreamFormat("%-24s %-10s %-17s %s\n", token.name(), EnumName(token.role()),
                                    DayOf(token.create_time()),
                                    token.has_expire_time() ? DayOf(token.expire_time()) : "-");
  }
  return 0;
}

int Revoke(const std::string& data_dir, const std::string& name) {
  const absl::Status status = auth::RevokeToken(auth::TokensPath(data_dir), name);
  if (!status.ok()) return Complain(status);
  std::cout << "revoked " << name << "\n";
  return 0;
}

}  // namespace

void AddTokenCommands(CLI::App* app, const std::string* data_dir, Chosen* chosen) {
  CLI::App* token = app->add_subcommand(
      "token", "Create, list and revoke tokens for --tls-listen; takes effect at once");
  token->require_subcommand(1);
  const auto options = std::make_shared<TokenOptions>();
  const std::map<std::string, auth::Role> roles = {{"reader", auth::Role::ROLE_READER},
                                                   {"submitter", auth::Role::ROLE_SUBMITTER},
                                                   {"admin", auth::Role::ROLE_ADMIN}};

  CLI::App* create = token->add_subcommand("create", "Create a token and print it, this one time");
  create
      ->add_option("--name", options->name,
                   "Owner of the token: lower-case letters, digits, hyphens")
      ->required();
  create
      ->add_option(
          "--role", options->role,
          "reader: reads everything; submitter: also submits, and changes their own experiments; "
          "admin: everything")
      ->required()
      ->transform(CLI::CheckedTransformer(roles));
  create->add_option("--expires", options->expires,
                     "Age at which the token expires, such as 30d, 12h or 90m. Default: never");
  create->footer("Example: anneald token create --role submitter --name ada --expires 30d");
  create->callback([=] { *chosen = [=] { return Create(*data_dir, *options); }; });

  CLI::App* list = token->add_subcommand("list", "List the tokens: owner, role, dates");
  list->callback([=] { *chosen = [=] { return List(*data_dir); }; });

  CLI::App* revoke =
      token->add_subcommand("revoke", "Revoke a token; its calls are refused from now on");
  revoke->add_option("name", options->name, "Owner of the token")->required();
  revoke->callback([=] { *chosen = [=] { return Revoke(*data_dir, options->name); }; });
}

}  // namespace anneal::commands
