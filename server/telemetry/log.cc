#include "server/telemetry/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/utf8.h"

namespace anneal::telemetry {
namespace {

thread_local std::vector<std::pair<const char*, std::string>> fields;

absl::string_view ToView(spdlog::string_view_t text) { return {text.data(), text.size()}; }

std::string TimeOf(const spdlog::details::log_msg& message) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3S%Ez", absl::FromChrono(message.time),
                          absl::LocalTimeZone());
}

// Escapes control characters, so that logged values cannot forge log lines.
class TextFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line =
        absl::StrCat(TimeOf(message), " ", ToView(spdlog::level::to_string_view(message.level)),
                     " ", Printable(ToView(message.payload)));
    for (const auto& [key, value] : fields) absl::StrAppend(&line, " ", key, "=", Printable(value));
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<TextFormatter>(); }
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    nlohmann::ordered_json object = {
        {"time", TimeOf(message)},
        {"level", std::string(ToView(spdlog::level::to_string_view(message.level)))},
        {"message", std::string(ToView(message.payload))}};
    for (const auto& [key, value] : fields) object[key] = value;
    const std::string line =
        object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

std::unique_ptr<spdlog::formatter> MakeFormatter(LogFormat format) {
  if (format == LogFormat::kJson) return std::make_unique<JsonFormatter>();
  return std::make_unique<TextFormatter>();
}

}  // namespace

void ConfigureLog(const std::string& level, LogFormat format) {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto logger = std::make_shared<spdlog::logger>("anneald", sink);
  logger->set_level(spdlog::level::from_str(level));
  logger->set_formatter(MakeFormatter(format));
  spdlog::set_default_logger(std::move(logger));
}

LogField::LogField(const char* key, std::string value) {
  fields.emplace_back(key, std::move(value));
}

LogField::~LogField() { fields.pop_back(); }

}  // namespace anneal::telemetry
