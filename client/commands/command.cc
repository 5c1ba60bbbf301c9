#include "client/commands/command.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/config_text.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client {

void AddOutputOption(CLI::App* app, ListOptions* options) {
  app->add_option("--output,-o", options->output, "table, json, csv or name")
      ->check(CLI::IsMember({"table", "json", "csv", "name"}))
      ->capture_default_str();
  app->add_flag("-q,--quiet", options->quiet, "Print names only, as --output name");
}

void AddListOptions(CLI::App* app, ListOptions* options) {
  AddOutputOption(app, options);
  app->add_option("--limit", options->limit, "At most this many; 0 for all")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
}

void Print(const ListOptions& options, const Listing& listing) {
  if (options.quiet || options.output == "name") {
    for (const std::string& name : listing.names) std::cout << ShortenName(name) << "\n";
  } else if (options.output == "json") {
    std::cout << "["
              << absl::StrJoin(listing.messages, ",",
                               [](std::string* out, const google::protobuf::Message* message) {
                                 absl::StrAppend(out, "\n", ToJson(*message, /*pretty=*/false));
                               })
              << "\n]\n";
  } else if (options.output == "csv") {
    std::cout << (listing.csv != nullptr ? listing.csv : listing.table)->ToCsv();
  } else {
    std::cout << listing.table->ToText();
  }
}

bool IsFull(const ListOptions& options, const Listing& listing) {
  return options.limit > 0 && static_cast<int>(listing.names.size()) >= options.limit;
}

absl::Status SplitPair(absl::string_view option, const std::string& text, std::string* key,
                       std::string* value) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return InvalidField(option, absl::StrCat("is \"", text, "\"; expected name=value"));
  }
  *key = text.substr(0, equals);
  *value = text.substr(equals + 1);
  return absl::OkStatus();
}

std::string Detached(const Globals& globals, const std::string& verb, const std::string& name) {
  return absl::StrCat("detached; the runs go on. Come back with: anneal ",
                      globals.server.empty() ? "" : absl::StrCat("--server ", globals.server, " "),
                      verb, " ", name, "\n");
}

void DetachOnInterrupt(const Globals& globals, const std::string& verb, const std::string& name) {
  globals.interrupt->OnInterrupt([text = Detached(globals, verb, name)] {
    std::cerr << text << std::flush;
    std::_Exit(kInterrupted);
  });
}

int Complain(const absl::Status& status) {
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    std::cerr << "anneal: " << line << "\n";
  }
  return absl::IsInvalidArgument(status) ? kUsage : kFailure;
}

}  // namespace anneal::client
