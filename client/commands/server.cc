// anneal server shows the state of the daemon and downloads backups.

#include <sys/stat.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/exporters/output_file.h"
#include "client/render/format.h"
#include "common/json_text.h"
#include "common/status.h"
#include "common/version.h"

namespace anneal::client::commands {
namespace {

int ShowServer(Connection* connection, const std::string& output) {
  const auto info = connection->GetServerInfo();
  if (!info.ok()) return PrintError(info.status());
  if (output == "json") {
    std::cout << ToJson(*info, {.pretty = true, .unset_fields = true});
    return kSuccess;
  }
  std::cout << "address:  " << connection->server() << "\n"
            << "version:  " << info->version() << " (client " << kVersion << ")\n"
            << "started:  " << render::Time(info->start_time()) << " UTC\n"
            << "workers:  " << info->workers_busy() << " of " << info->workers() << " busy\n"
            << "queue:    " << info->runs_pending() << " runs\n";
  for (const v1::DatasetInfo& dataset : info->datasets()) {
    std::cout << "data set: " << dataset.name()
              << (dataset.problem().empty() ? "" : ": " + dataset.problem()) << "\n";
  }
  return kSuccess;
}

// Writes the file atomically and refuses to replace one: it may be the only good backup.
absl::Status BackUpTo(Connection* connection, const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return absl::AlreadyExistsError(absl::StrCat(path, " exists already; choose another file"));
  }
  exporters::OutputFile file("file", path);
  ANNEAL_RETURN_IF_ERROR(connection->BackUpDatabase([&file](const std::string& contents) {
    file.Write(contents);
    return file.status();
  }));
  return file.Finish();
}

int BackUp(Connection* connection, const std::string& path) {
  // A backup contains all users' notes.
  ::umask(0077);
  const absl::Status status = BackUpTo(connection, path);
  if (!status.ok()) return PrintError(status);
  std::cout << path << "\n";
  return kSuccess;
}

}  // namespace

void AddServerCommand(CLI::App* app, Globals* globals) {
  CLI::App* server =
      app->add_subcommand("server", "Show the daemon's version, workers, queue and data sets");
  const auto output = std::make_shared<std::string>("table");
  server->add_option("--output,-o", *output, "Output format: table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  server->footer("Example: anneal server");
  const auto file = std::make_shared<std::string>();
  CLI::App* backup = server->add_subcommand(
      "backup", "Download a verified backup of the daemon's database; requires the admin role");
  backup->add_option("file", *file, "Output file, which must not exist")->required();
  backup->footer("Example: anneal server backup anneal-backup.db");
  server->callback([globals, output, file, backup] {
    if (backup->parsed()) {
      globals->command = [file](Connection* connection) { return BackUp(connection, *file); };
    } else {
      globals->command = [output](Connection* connection) {
        return ShowServer(connection, *output);
      };
    }
  });
}

}  // namespace anneal::client::commands
