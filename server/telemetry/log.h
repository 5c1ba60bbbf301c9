// The daemon's log on stderr, for people or for machines.

#ifndef ANNEAL_SERVER_TELEMETRY_LOG_H_
#define ANNEAL_SERVER_TELEMETRY_LOG_H_

#include <string>

namespace anneal::telemetry {

enum class LogFormat {
  kText,  // TIME LEVEL MESSAGE key=value ...
  kJson,  // an object a line: time, level, message, and the fields
};

// For everything that spdlog's default logger is told from now on. `level` is one of spdlog's
// names.
void ConfigureLog(const std::string& level, LogFormat format);

// While it lives, what this thread logs says what it is about, such as run=experiments/a/runs/0.
// They nest.
class LogField {
 public:
  // `key` outlives it.
  LogField(const char* key, std::string value);
  ~LogField();
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;
};

}  // namespace anneal::telemetry

#endif  // ANNEAL_SERVER_TELEMETRY_LOG_H_
