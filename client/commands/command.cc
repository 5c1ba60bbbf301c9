#include "client/commands/command.h"

#include <cstdlib>
#include <iostream>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "client/render/selection.h"
#include "client/render/terminal.h"
#include "common/json_text.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/utf8.h"

namespace anneal::client::commands {

void AddOutputOption(CLI::App* app, ListOptions* options) {
  app->add_option("--output,-o", options->output, "Output format: table, json, jsonl, csv or name")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv", "name"}))
      ->capture_default_str();
  app->add_flag("-q,--quiet", options->quiet, "Print only names, like --output name");
}

void AddListOptions(CLI::App* app, ListOptions* options) {
  AddOutputOption(app, options);
  app->add_option(
         "--columns", options->columns,
         "Columns to show, in this order: those of the table, or any that --output csv prints")
      ->delimiter(',');
  app->add_option("--limit", options->limit, "Maximum number of rows; 0: no limit")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
}

void AddSelectionOptions(CLI::App* app, ListOptions* options) {
  app->add_option(
      "--filter", options->filter,
      "Show only matching rows: conditions on columns of --output csv, with = != < <= > >= "
      ": AND OR NOT");
  app->add_option("--sort", options->sort,
                  "Sort by columns of --output csv, such as 'train_loss desc, epoch'");
}

namespace {

// Returns the indices of the rows that --filter, --sort and --limit select.
absl::StatusOr<std::vector<size_t>> SelectedRows(const ListOptions& options,
                                                 const Listing& listing) {
  ANNEAL_ASSIGN_OR_RETURN(std::vector<size_t> rows,
                          render::SelectRows(listing.csv != nullptr ? *listing.csv : *listing.table,
                                             options.filter, options.sort));
  const auto limit = static_cast<size_t>(options.limit);
  if (limit > 0 && rows.size() > limit) rows.resize(limit);
  return rows;
}

absl::Status PrintSelected(const ListOptions& options, const Listing& listing) {
  const bool is_csv = options.output == "csv";
  const bool is_table = options.output == "table";
  if (options.quiet || options.output == "name") {
    for (const std::string& name : listing.names) std::cout << ShortenName(name) << "\n";
  } else if (options.output == "jsonl") {
    for (const auto* message : listing.messages) {
      std::cout << ToJson(*message, {.unset_fields = true}) << "\n";
    }
  } else if (options.output == "json") {
    std::cout << "["
              << absl::StrJoin(listing.messages, ",",
                               [](std::string* out, const google::protobuf::Message* message) {
                                 absl::StrAppend(out, "\n",
                                                 ToJson(*message, {.unset_fields = true}));
                               })
              << "\n]\n";
  } else {
    const render::Table* table = is_csv && listing.csv != nullptr ? listing.csv : listing.table;
    std::optional<render::Table> some;
    if (!options.columns.empty()) {
      ANNEAL_ASSIGN_OR_RETURN(
          some, render::WithColumns(*table, is_csv ? nullptr : listing.csv, options.columns));
      table = &*some;
    }
    if (is_table) {
      PrintTable(*table);
    } else {
      std::cout << table->ToCsv();
    }
  }
  return absl::OkStatus();
}

absl::Status TryPrint(const ListOptions& options, const Listing& listing) {
  const bool has_columns = (options.output == "table" || options.output == "csv") && !options.quiet;
  if (!options.columns.empty() && !has_columns) {
    return InvalidField("--columns", "applies to --output table and csv only; omit it");
  }
  if (options.filter.empty() && options.sort.empty()) return PrintSelected(options, listing);
  ANNEAL_ASSIGN_OR_RETURN(const std::vector<size_t> rows, SelectedRows(options, listing));
  const render::Table table = render::WithRows(*listing.table, rows);
  std::optional<render::Table> csv;
  if (listing.csv != nullptr) csv = render::WithRows(*listing.csv, rows);
  Listing selected{.table = &table, .csv = csv.has_value() ? &*csv : nullptr};
  for (const size_t row : rows) {
    selected.messages.push_back(listing.messages[row]);
    selected.names.push_back(listing.names[row]);
  }
  return PrintSelected(options, selected);
}

}  // namespace

int Print(const ListOptions& options, const Listing& listing) {
  const absl::Status status = TryPrint(options, listing);
  return status.ok() ? kSuccess : PrintError(status);
}

void PrintTable(const render::Table& table) {
  const size_t width = render::TerminalOf(stdout).width;
  if (width == 0) {
    std::cout << table.ToText();
    return;
  }
  std::vector<std::string> left_out;
  std::cout << table.ToText(width, &left_out) << std::flush;
  if (left_out.empty()) return;
  std::cerr << "(columns that do not fit: " << absl::StrJoin(left_out, ", ")
            << "; select with --columns)\n";
}

bool IsFull(const ListOptions& options, const Listing& listing) {
  const int limit = options.fetch_limit();
  return limit > 0 && static_cast<int>(listing.names.size()) >= limit;
}

absl::Status SplitPair(absl::string_view option, const std::string& text, std::string* key,
                       std::string* value) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return InvalidField(option, absl::StrCat("is \"", text, "\"; expected NAME=VALUE"));
  }
  *key = text.substr(0, equals);
  *value = text.substr(equals + 1);
  return absl::OkStatus();
}

std::string Detached(const Globals& globals, const std::string& verb, const std::string& name) {
  return absl::StrCat(
      "detached; the runs continue. Resume watching with: anneal ",
      globals.server.empty() ? "" : absl::StrCat("--server ", globals.server, " "),
      globals.context.empty() ? "" : absl::StrCat("--context ", globals.context, " "), verb, " ",
      name, "\n");
}

void DetachOnInterrupt(const Globals& globals, const std::string& verb, const std::string& name) {
  globals.interrupt->OnInterrupt([text = Detached(globals, verb, name)] {
    std::cerr << text << std::flush;
    std::_Exit(kInterrupted);
  });
}

int PrintError(const absl::Status& status) {
  for (absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    std::cerr << "anneal: " << Printable(line) << "\n";
  }
  return absl::IsInvalidArgument(status) ? kUsage : kFailure;
}

}  // namespace anneal::client::commands
