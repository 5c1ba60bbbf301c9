// anneal presets lists the built-in configs and prints them.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/commands/command.h"
#include "common/config/text.h"
#include "common/config/validation.h"
#include "common/json_text.h"

namespace anneal::client::commands {
namespace {

int ListPresets(Connection* connection, const ListOptions& options) {
  const auto response = connection->ListPresets();
  if (!response.ok()) return PrintError(response.status());
  render::Table table({{"name", "PRESET", render::Table::Align::kLeft},
                       {"description", "DESCRIPTION", render::Table::Align::kLeft}});
  Listing listing{.table = &table};
  for (const v1::Preset& preset : response->presets()) {
    if (IsFull(options, listing)) break;
    const std::string id(absl::StripPrefix(preset.name(), "presets/"));
    table.AddRow({id, preset.description()});
    listing.messages.push_back(&preset);
    listing.names.push_back(id);
  }
  return Print(options, listing);
}

int ShowPreset(Connection* connection, const std::string& name, const std::string& output) {
  const auto preset =
      connection->GetPreset(absl::StrCat("presets/", absl::StripPrefix(name, "presets/")));
  if (!preset.ok()) return PrintError(preset.status());
  const v1::TrainingConfig complete = config::ResolveConfig(preset->config());
  if (output == "json") {
    std::cout << ToJson(complete, {.pretty = true, .unset_fields = true});
  } else {
    std::cout << "# " << name << ": " << preset->description() << "\n"
              << "# The complete config; edit it and submit it with `anneal submit --file`.\n"
              << config::ToTextFormat(complete);
  }
  return kSuccess;
}

}  // namespace

void AddPresetCommands(CLI::App* app, Globals* globals) {
  CLI::App* presets = app->add_subcommand("presets", "List the presets, or print one");
  const auto options = std::make_shared<ListOptions>();
  AddListOptions(presets, options.get());
  AddSelectionOptions(presets, options.get());
  presets->footer("Example: anneal presets show annealed > my.textproto");

  CLI::App* show = presets->add_subcommand("show", "Print the complete config of a preset");
  const auto name = std::make_shared<std::string>();
  const auto output = std::make_shared<std::string>("textproto");
  show->add_option("preset", *name, "Preset, such as annealed")->required();
  show->add_option("--output,-o", *output, "Output format: textproto or json")
      ->check(CLI::IsMember({"textproto", "json"}))
      ->capture_default_str();
  presets->callback([globals, show, options, name, output] {
    globals->command = [show, options, name, output](Connection* connection) {
      return show->parsed() ? ShowPreset(connection, *name, *output)
                            : ListPresets(connection, *options);
    };
  });
}

}  // namespace anneal::client::commands
