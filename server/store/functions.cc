#include "server/store/functions.h"

#include <sqlite3.h>

#include <string>

#include "anneal/v1/resources.pb.h"
#include "nlohmann/json.hpp"

namespace anneal::store {
namespace {

bool ReadSubmission(sqlite3_value* value, v1::Experiment* submission) {
  const void* bytes = sqlite3_value_blob(value);
  return submission->ParseFromArray(bytes, sqlite3_value_bytes(value));
}

void Return(sqlite3_context* context, const std::string& text) {
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

void LabelsOf(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  v1::Experiment submission;
  if (!ReadSubmission(arguments[0], &submission)) return;
  nlohmann::json labels = nlohmann::json::object();
  for (const auto& [key, value] : submission.labels()) labels[key] = value;
  Return(context, labels.dump());
}

void NoteOf(sqlite3_context* context, int /*count*/, sqlite3_value** arguments) {
  v1::Experiment submission;
  if (ReadSubmission(arguments[0], &submission)) Return(context, submission.note());
}

}  // namespace

int AddFunctions(sqlite3* handle) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
  const int code = sqlite3_create_function_v2(handle, "labels_of", 1, kFlags, nullptr, LabelsOf,
                                              nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return code;
  return sqlite3_create_function_v2(handle, "note_of", 1, kFlags, nullptr, NoteOf, nullptr, nullptr,
                                    nullptr);
}

}  // namespace anneal::store
