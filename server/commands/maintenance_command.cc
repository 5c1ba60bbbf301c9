#include "server/commands/maintenance_command.h"

#include <sys/stat.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/auth/certificate.h"
#include "server/auth/tokens.h"
#include "server/store/maintenance.h"
#include "server/store/store.h"
#include "server/training/data/dataset_registry.h"

namespace anneal::commands {
namespace {

// Prints findings as they occur.
class Findings {
 public:
  void Add(const std::string& what, const absl::Status& status) {
    std::cout << (status.ok() ? "ok    " : "FAIL  ") << what
              << (status.ok() ? "" : absl::StrCat(": ", status.message())) << std::endl;
    failed_ = failed_ || !status.ok();
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

int Check(const MaintenanceOptions& options) {
  Findings findings;
  const std::string database = store::DatabasePath(*options.data_dir);
  const absl::Status sound = store::CheckDatabase(database);
  // A missing database is no fault: the first start creates it.
  findings.Add(absl::IsNotFound(sound) ? absl::StrCat("database ", database, ": none yet")
                                       : absl::StrCat("database ", database),
               absl::IsNotFound(sound) ? absl::OkStatus() : sound);
  findings.Add("tokens", auth::ReadTokens(auth::TokensPath(*options.data_dir)).status());
  if (!options.addresses->tls.empty()) {
    findings.Add("certificate and key", auth::CheckTlsFiles(options.addresses->tls_files));
  }
  training::data::DatasetRegistry datasets(*options.datasets);
  for (const std::string& name : datasets.Names()) {
    findings.Add(absl::StrCat("data set ", name), datasets.Get(name).status());
  }
  return findings.failed() ? 1 : 0;
}

int BackUp(const MaintenanceOptions& options, const std::string& file) {
  ::umask(0077);
  const absl::Status status = store::BackUpDatabase(store::DatabasePath(*options.data_dir), file);
  if (!status.ok()) return Complain(status);
  std::cout << file << "\n";
  return 0;
}

int Migrate(const MaintenanceOptions& options, bool dry_run) {
  ::umask(0077);
  const std::string path = store::DatabasePath(*options.data_dir);
  const auto names = store::TryMigrations(path);
  if (!names.ok()) return Complain(names.status());
  if (!dry_run) {
    const auto opened = store::Store::Open(*options.data_dir, *options.reserve_bytes);
    if (!opened.ok()) return Complain(opened.status());
  }
  for (const std::string& name : *names) {
    std::cout << (dry_run ? "would apply " : "applied ") << name << "\n";
  }
  if (names->empty()) std::cout << path << " is up to date\n";
  return 0;
}

}  // namespace

void AddMaintenanceCommands(CLI::App* app, const MaintenanceOptions& options, Chosen* chosen) {
  CLI::App* check = app->add_subcommand(
      "check", "Check configuration, database, tokens and data sets; changes nothing");
  check->callback([=] { *chosen = [=] { return Check(options); }; });

  CLI::App* backup = app->add_subcommand(
      "backup", "Copy the database, also while a daemon serves it, and check the copy");
  const auto file = std::make_shared<std::string>();
  backup->add_option("file", *file, "File to write; must not exist")->required();
  backup->callback([=] { *chosen = [=] { return BackUp(options, *file); }; });

  CLI::App* migrate = app->add_subcommand(
      "migrate", "Apply the schema migrations that are missing, as a start of the daemon does");
  const auto dry_run = std::make_shared<bool>(false);
  migrate->add_flag("--dry-run", *dry_run,
                    "Try the migrations on a copy and print them; changes nothing");
  migrate->callback([=] { *chosen = [=] { return Migrate(options, *dry_run); }; });
}

}  // namespace anneal::commands
