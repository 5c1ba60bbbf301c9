// `ConfigureLog` sets up the daemon's log on stderr, as text or as JSON; `LogField` adds context to
// the lines of a thread.

#ifndef ANNEAL_SERVER_TELEMETRY_LOG_H_
#define ANNEAL_SERVER_TELEMETRY_LOG_H_

#include <string>

namespace anneal::telemetry {

enum class LogFormat {
  kText,  // TIME LEVEL MESSAGE key=value ...
  kJson,  // one object per line: time, level, message, and the fields
};

// Replaces spdlog's default logger. Must be called before other threads log. `level` is one of
// spdlog's level names; lower levels are discarded.
void ConfigureLog(const std::string& level, LogFormat format);

// Adds a field, such as run=experiments/a/runs/0, to every line that the thread logs while the
// object exists. Objects must be destroyed on their thread, in reverse order of construction.
class LogField {
 public:
  // `key` must outlive this object.
  LogField(const char* key, std::string value);
  ~LogField();
  LogField(const LogField&) = delete;
  LogField& operator=(const LogField&) = delete;
};

}  // namespace anneal::telemetry

#endif  // ANNEAL_SERVER_TELEMETRY_LOG_H_
