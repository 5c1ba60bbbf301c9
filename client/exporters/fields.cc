#include "client/exporters/fields.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/config/field_path.h"
#include "common/config/validation.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/message_differencer.h"

namespace anneal::client::exporters {
namespace {

using google::protobuf::FieldDescriptor;

// Returns scalar fields, and lists if `with_lists`.
std::vector<std::string> Fields(bool with_lists) {
  std::vector<std::string> fields;
  for (const std::string& path : config::FieldPaths(*v1::TrainingConfig::descriptor())) {
    const FieldDescriptor* field = config::FindField(*v1::TrainingConfig::descriptor(), path);
    const bool is_message = field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (field->is_repeated() ? with_lists : !is_message) fields.push_back(path);
  }
  return fields;
}

std::string TextOf(const v1::TrainingConfig& config, const std::string& path) {
  return config::GetField(config, path).value_or("-");
}

}  // namespace

std::vector<std::string> ScalarFields() { return Fields(/*with_lists=*/false); }

std::vector<std::string> DifferingFields(const std::vector<const v1::TrainingConfig*>& configs) {
  std::vector<std::string> differing;
  for (const std::string& path : Fields(/*with_lists=*/true)) {
    const bool differs =
        std::any_of(configs.begin(), configs.end(), [&](const v1::TrainingConfig* config) {
          return TextOf(*config, path) != TextOf(*configs[0], path);
        });
    if (differs) differing.push_back(path);
  }
  return differing;
}

std::string ShellWord(const std::string& word) {
  const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           absl::string_view("-_=.,/:+@%").find(c) != absl::string_view::npos;
  });
  return is_plain ? word : absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

std::optional<std::string> SubmitArguments(const std::string& preset,
                                           const v1::TrainingConfig& base,
                                           const v1::TrainingConfig& config) {
  std::string arguments = preset.empty() ? "" : absl::StrCat(" --preset ", ShellWord(preset));
  v1::TrainingConfig made = base;
  for (const std::string& path : DifferingFields({&base, &config})) {
    const std::string value = TextOf(config, path);
    if (!config::SetField(&made, path, value).ok()) return std::nullopt;
    absl::StrAppend(&arguments, " --set ", ShellWord(absl::StrCat(path, "=", value)));
  }
  if (!google::protobuf::util::MessageDifferencer::Equals(config::ResolveConfig(made),
                                                          config::ResolveConfig(config))) {
    return std::nullopt;
  }
  return arguments;
}

}  // namespace anneal::client::exporters
