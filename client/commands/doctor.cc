// anneal doctor diagnoses problems with the settings, the connection and the daemon.

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/endpoint.h"
#include "client/render/terminal.h"
#include "common/paths.h"
#include "common/version.h"

namespace anneal::client::commands {
namespace {

constexpr std::chrono::milliseconds kPatience(5000);
// A larger clock difference makes times hard to compare.
constexpr double kMostSecondsApart = 2;

// Prints findings as they occur.
class Findings {
 public:
  void Fine(const std::string& what, const std::string& text) { Print("ok", what, text); }
  // A problem that does not prevent work.
  void Warn(const std::string& what, const std::string& text) { Print("warn", what, text); }
  void Fail(const std::string& what, const std::string& text) {
    Print("FAIL", what, text);
    failed_ = true;
  }
  bool failed() const { return failed_; }

 private:
  static void Print(const char* mark, const std::string& what, const std::string& text) {
    std::cout << render::Pad(mark, 6, render::Table::Align::kLeft)
              << render::Pad(what, 12, render::Table::Align::kLeft) << text << std::endl;
  }
  bool failed_ = false;
};

// A socket may exist but be closed to this user.
void CheckSocket(const std::string& server, Findings* findings) {
  const std::string path(absl::StripPrefix(server, "unix:"));
  if (path == server) return;
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    findings->Fail("socket", absl::StrCat(path, ": ", std::strerror(errno),
                                          "; start the daemon with `anneald`"));
  } else if (::access(path.c_str(), R_OK | W_OK) != 0) {
    findings->Fail("socket",
                   absl::StrCat(path, " is owned by user ID ", info.st_uid,
                                "; ask its owner for a TCP address, or start your own daemon"));
  } else {
    findings->Fine("socket", absl::StrCat(path, ", accessible"));
  }
}

void CheckVersion(const v1::ServerInfo& info, Findings* findings) {
  const std::string both = absl::StrCat("anneald ", info.version(), ", anneal ", kVersion);
  if (info.version() == kVersion) {
    findings->Fine("version", both);
  } else {
    findings->Warn("version", both + ": install the same version of both");
  }
}

void CheckClock(const v1::ServerInfo& info, absl::Duration round_trip, Findings* findings) {
  if (!info.has_time()) {
    findings->Warn("clock", "the daemon does not report its time; update anneald");
    return;
  }
  const absl::Time there =
      absl::FromUnixSeconds(info.time().seconds()) + absl::Nanoseconds(info.time().nanos());
  const double apart = absl::ToDoubleSeconds(there - (absl::Now() - round_trip / 2));
  const std::string text = absl::StrFormat("the daemon's clock is %.1f s %s", std::abs(apart),
                                           apart < 0 ? "behind" : "ahead");
  if (std::abs(apart) < kMostSecondsApart) {
    findings->Fine("clock", text);
  } else {
    findings->Warn("clock", text + ": times will look wrong; synchronise both clocks with NTP");
  }
}

void CheckDatasets(const v1::ServerInfo& info, Findings* findings) {
  if (info.datasets().empty()) {
    findings->Warn("data sets", "the daemon has none; download one with deploy/fetch_mnist.sh");
  }
  for (const v1::DatasetInfo& dataset : info.datasets()) {
    if (dataset.problem().empty()) {
      findings->Fine("data set", dataset.name());
    } else {
      findings->Warn("data set", absl::StrCat(dataset.name(), ": ", dataset.problem()));
    }
  }
}

void CheckDaemon(const Endpoint& endpoint, Findings* findings) {
  auto connection = Connection::Open(endpoint.context, {.deadline = kPatience, .trace = nullptr});
  if (!connection.ok()) {
    findings->Fail("server", std::string(connection.status().message()));
    return;
  }
  const absl::Time begin = absl::Now();
  const auto info = (*connection)->GetServerInfo();
  const absl::Duration round_trip = absl::Now() - begin;
  if (!info.ok()) {
    findings->Fail("reachable", std::string(info.status().message()));
    return;
  }
  findings->Fine("reachable",
                 absl::StrFormat("responds in %.1f ms", absl::ToDoubleMilliseconds(round_trip)));
  CheckVersion(*info, findings);
  CheckClock(*info, round_trip, findings);
  CheckDatasets(*info, findings);
}

bool IsProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (absl::string_view directory : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    if (::access(absl::StrCat(directory, "/", name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

bool SpeaksUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || value[0] == '\0') continue;
    const std::string lower = absl::AsciiStrToLower(value);
    return absl::StrContains(lower, "utf-8") || absl::StrContains(lower, "utf8");
  }
  return false;
}

void CheckThisSide(Findings* findings) {
  if (IsProgram("gnuplot")) {
    findings->Fine("gnuplot", "found");
  } else {
    findings->Warn("gnuplot",
                   "not found, so `anneal plot` and `anneal report` fail; install gnuplot-nox");
  }
  const render::Terminal terminal = render::TerminalOf(stdout);
  if (terminal.width > 0 && !SpeaksUtf8()) {
    findings->Warn("terminal",
                   "the locale is not UTF-8, so θ and plots may look wrong; set LANG=C.UTF-8");
  } else if (terminal.width > 0) {
    findings->Fine("terminal", absl::StrCat(terminal.width, " columns, ",
                                            terminal.has_color ? "colours" : "no colours"));
  }
}

int Doctor(const std::string& server, const std::string& context) {
  Findings findings;
  const auto config = ReadClientConfig();
  if (config.ok()) {
    findings.Fine("settings",
                  absl::StrCat(ClientConfigPath(), ": ", config->contexts().size(), " contexts"));
  } else {
    findings.Fail("settings", std::string(config.status().message()));
  }
  const auto endpoint = ChooseEndpoint(server, context);
  if (endpoint.ok()) {
    findings.Fine("server", absl::StrCat(endpoint->context.server(), ", from ", endpoint->source,
                                         endpoint->context.ca_file().empty() ? "" : ", over TLS"));
    CheckSocket(endpoint->context.server(), &findings);
    CheckDaemon(*endpoint, &findings);
  } else if (config.ok()) {
    findings.Fail("server", std::string(endpoint.status().message()));
  }
  CheckThisSide(&findings);
  return findings.failed() ? kFailure : kSuccess;
}

}  // namespace

void AddDoctorCommand(CLI::App* app, Globals* globals) {
  CLI::App* doctor = app->add_subcommand(
      "doctor", "Diagnose problems: settings, connection, versions, clocks, data sets");
  doctor->footer("Example: anneal doctor");
  doctor->callback([globals] {
    globals->local_command = [globals] { return Doctor(globals->server, globals->context); };
  });
}

}  // namespace anneal::client::commands
