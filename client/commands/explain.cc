// anneal explain: the fields of the config, from its schema. It needs no daemon.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/commands/command.h"
#include "client/render/field_help.h"
#include "client/render/terminal.h"
#include "common/config/field_path.h"
#include "common/config/schema.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

int UnknownField(const std::string& name) {
  std::vector<std::string> paths;
  for (const config::SchemaField& field : config::Schema()) paths.push_back(field.path);
  return PrintError(InvalidField(name, absl::StrCat("is an unknown field; did you mean ",
                                                    config::NearNames(name, paths), "?")));
}

int Explain(const std::string& name, const ListOptions& options) {
  const config::SchemaField* field = nullptr;
  if (!name.empty()) {
    field = config::FindSchemaField(name);
    if (field == nullptr) return UnknownField(name);
  }
  auto fields = render::FieldsBelow(field == nullptr ? "" : field->path);
  if (const auto limit = static_cast<size_t>(options.fetch_limit());
      limit > 0 && fields.size() > limit) {
    fields.resize(limit);
  }
  const bool is_text = options.output == "table" && !options.quiet && options.columns.empty() &&
                       options.filter.empty() && options.sort.empty();
  if (field != nullptr && is_text) {
    std::cout << render::FieldHelp(*field);
    if (!field->is_message()) return kSuccess;
    std::cout << "\n";
  }
  const render::Table table =
      render::FieldTable(fields, /*complete=*/render::TerminalOf(stdout).width == 0);
  const render::Table csv = render::FieldCsv(fields);
  std::vector<render::FieldRecord> records;
  records.reserve(fields.size());
  Listing listing{.table = &table, .csv = &csv};
  for (const config::SchemaField* one : fields) {
    records.push_back(render::RecordOf(*one));
    listing.messages.push_back(&records.back());
    listing.names.push_back(one->path);
  }
  return Print(options, listing);
}

}  // namespace

void AddExplainCommand(CLI::App* app, Globals* globals) {
  CLI::App* explain = app->add_subcommand("explain", "Explain the fields of the config");
  const auto field = std::make_shared<std::string>();
  const auto markdown = std::make_shared<bool>(false);
  const auto options = std::make_shared<ListOptions>();
  CLI::Option* const one = explain->add_option(
      "field", *field, "Such as theta.schedule, or theta for all in it. Default: all fields");
  AddListOptions(explain, options.get());
  AddSelectionOptions(explain, options.get());
  // For docs/config.md; an empty group hides it.
  explain->add_flag("--markdown", *markdown, "Print docs/config.md")->group("")->excludes(one);
  explain->footer("Example: anneal explain theta.schedule");
  explain->callback([globals, field, markdown, options] {
    globals->local_command = [field, markdown, options] {
      if (!*markdown) return Explain(*field, *options);
      std::cout << render::ConfigMarkdown();
      return kSuccess;
    };
  });
}

}  // namespace anneal::client::commands
