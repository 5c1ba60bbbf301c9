#include "common/experiment_validation.h"

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace anneal {
namespace {

constexpr size_t kMaxLabels = 64;
constexpr size_t kMaxLabelKey = 63;
constexpr size_t kMaxLabelValue = 256;
constexpr size_t kMaxNote = 4096;
constexpr int32_t kMaxPriority = 1000;

bool IsLabelKey(absl::string_view key) {
  const auto inner = [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_' || c == '.' || c == '-';
  };
  return !key.empty() && key.size() <= kMaxLabelKey && std::all_of(key.begin(), key.end(), inner) &&
         absl::ascii_isalnum(key.front());
}

// Returns the position of the first control character, of ASCII or of Unicode's C1 range (two bytes
// in UTF-8); npos if there is none.
size_t FindControl(absl::string_view text, TextKind kind) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kind == TextKind::kLines && (c == '\n' || c == '\t')) continue;
    const bool is_second = i > 0 && text[i - 1] == '\xc2' && c >= 0x80 && c <= 0x9f;
    if (absl::ascii_iscntrl(c) || is_second) return i;
  }
  return absl::string_view::npos;
}

}  // namespace

void CheckText(absl::string_view field, absl::string_view text, size_t most,
               FieldViolations* violations, TextKind kind) {
  if (const size_t at = FindControl(text, kind); at != absl::string_view::npos) {
    violations->Add(field, absl::StrCat("has a control character at byte ", at, "; remove it"));
  }
  if (text.size() > most) {
    violations->Add(field,
                    absl::StrCat("has ", text.size(), " bytes; at most ", most, " are allowed"));
  }
}

void CheckSubmitCommand(const v1::Experiment& experiment, FieldViolations* violations) {
  CheckText("submit_command", experiment.submit_command(), kMaxSubmitCommand, violations);
}

void CheckNoteAndLabels(const std::string& note,
                        const google::protobuf::Map<std::string, std::string>& map,
                        FieldViolations* violations) {
  CheckText("note", note, kMaxNote, violations, TextKind::kLines);
  if (map.size() > kMaxLabels) {
    violations->Add("labels", absl::StrCat("has ", map.size(), " entries; at most ", kMaxLabels,
                                           " are allowed"));
  }
  // Sorted, because the order of a protobuf map is random.
  const std::map<std::string, std::string> labels(map.begin(), map.end());
  for (const auto& [key, value] : labels) {
    if (IsLabelKey(key)) {
      CheckText(absl::StrCat("labels.", key), value, kMaxLabelValue, violations);
    } else {
      violations->Add(
          "labels", absl::StrCat("has the key ", Quoted(key), "; keys match [a-z0-9][a-z0-9_.-]{0,",
                                 kMaxLabelKey - 1, "}"));
    }
  }
}

void CheckAnnotations(const v1::Experiment& experiment, FieldViolations* violations) {
  CheckNoteAndLabels(experiment.note(), experiment.labels(), violations);
  if (experiment.priority() < -kMaxPriority || experiment.priority() > kMaxPriority) {
    violations->Add("priority", absl::StrCat("is ", experiment.priority(), "; allowed is ",
                                             -kMaxPriority, "..", kMaxPriority));
  }
}

}  // namespace anneal
