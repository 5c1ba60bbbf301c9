#include "common/config/engine_support.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/enum_name.h"
#include "google/protobuf/descriptor.h"

namespace anneal::config {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A supported field; its path omits list indices. Enums and bools support only the `values` listed,
// if any; otherwise every value in range is supported.
struct Supported {
  absl::string_view path;
  std::vector<absl::string_view> values;
};

// Settings of the trainer, which no engine reads, are supported with all of their fields.
constexpr absl::string_view kOfTheTrainer[] = {"dataset",        "epochs",      "batch_size",
                                               "early_stopping", "diagnostics", "checkpoint",
                                               "evaluation",     "engine"};

const std::vector<Supported>& OfTheFusedEngine() {
  static const auto& table = *new std::vector<Supported>{
      {"network"},
      {"network.layers"},
      {"network.layers.conv"},
      {"network.layers.conv.filters"},
      {"network.layers.conv.kernel"},
      {"network.layers.conv.stride"},
      {"network.layers.conv.padding"},
      {"network.layers.conv.pool", {"NONE", "MAX", "AVG"}},
      {"network.layers.conv.pool_size"},
      {"network.layers.dense"},
      {"network.layers.dense.units"},
      {"network.init_gain"},
      {"network.batch_norm", {"false"}},
      {"theta"},
      {"theta.policy", {"FIXED", "SCHEDULED", "TRAINABLE"}},
      {"theta.granularity", {"NETWORK", "LAYER", "CHANNEL", "NEURON"}},
      // The trainer passes theta with every step: the engine does not implement schedules.
      {"theta.schedule"},
      {"theta.start"},
      {"theta.end"},
      {"theta.unit"},
      {"theta.hold"},
      {"theta.span"},
      {"theta.power"},
      {"theta.rate"},
      {"theta.steps"},
      {"theta.plateau"},
      {"theta.plateau.notch"},
      {"theta.plateau.patience"},
      {"theta.plateau.tolerance"},
      {"theta.learning_rate"},
      {"theta.lower_bound"},
      {"theta.upper_bound"},
      {"optimizer"},
      {"optimizer.kind", {"SGD", "ADAM", "ADAMW"}},
      {"optimizer.learning_rate"},
      {"optimizer.schedule"},
      {"optimizer.warmup_epochs"},
      {"optimizer.final_factor"},
      {"optimizer.schedule_epochs"},
      {"optimizer.step_epochs"},
      {"optimizer.step_factor"},
      {"optimizer.momentum"},
      {"optimizer.nesterov"},
      {"optimizer.beta1"},
      {"optimizer.beta2"},
      {"optimizer.epsilon"},
      {"optimizer.weight_decay"},
      {"optimizer.clip_norm"},
      {"regularizer"},
      {"regularizer.l1"},
      {"regularizer.l2"},
  };
  return table;
}

// Returns the value of an enum or a bool as a user writes it; empty for other types. `index` is
// negative for a singular field.
std::string ValueText(const Message& message, const FieldDescriptor& field, int index) {
  const auto* reflection = message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = index < 0 ? reflection->GetBool(message, &field)
                                   : reflection->GetRepeatedBool(message, &field, index);
      return value ? "true" : "false";
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = index < 0 ? reflection->GetEnumValue(message, &field)
                                   : reflection->GetRepeatedEnumValue(message, &field, index);
      const auto* value = field.enum_type()->FindValueByNumber(number);
      return value == nullptr ? absl::StrCat(number) : ShortName(*value);
    }
    default:
      return "";
  }
}

bool Supports(absl::string_view schema_path, const std::string& value) {
  const std::vector<Supported>& table = OfTheFusedEngine();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Supported& supported) {
    return supported.path == schema_path;
  });
  if (found == table.end()) return false;
  const auto& values = found->values;
  return values.empty() || std::find(values.begin(), values.end(), value) != values.end();
}

std::optional<Unsupported> Find(const Message& message, const std::string& path,
                                const std::string& schema_path);

std::optional<Unsupported> FindInValue(const Message& message, const FieldDescriptor& field,
                                       int index, const std::string& path,
                                       const std::string& schema_path) {
  const std::string value = ValueText(message, field, index);
  if (!Supports(schema_path, value)) return Unsupported{path, value};
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return std::nullopt;
  const auto* reflection = message.GetReflection();
  return Find(index < 0 ? reflection->GetMessage(message, &field)
                        : reflection->GetRepeatedMessage(message, &field, index),
              path + ".", schema_path + ".");
}

// `path` and `schema_path` are prefixes: empty, or ending in a dot.
std::optional<Unsupported> Find(const Message& message, const std::string& path,
                                const std::string& schema_path) {
  const auto* reflection = message.GetReflection();
  if (const auto& unknown = reflection->GetUnknownFields(message); !unknown.empty()) {
    return Unsupported{absl::StrCat(path, unknown.field(0).number()), ""};
  }
  std::vector<const FieldDescriptor*> fields;
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string name = absl::StrCat(path, field->name());
    if (path.empty() && std::find(std::begin(kOfTheTrainer), std::end(kOfTheTrainer), name) !=
                            std::end(kOfTheTrainer)) {
      continue;
    }
    const std::string schema_name = absl::StrCat(schema_path, field->name());
    if (!field->is_repeated()) {
      auto found = FindInValue(message, *field, -1, name, schema_name);
      if (found.has_value()) return found;
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      auto found = FindInValue(message, *field, i, absl::StrCat(name, ".", i), schema_name);
      if (found.has_value()) return found;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Unsupported> FindUnsupportedByFused(const Message& config) {
  return Find(config, "", "");
}

}  // namespace anneal::config
