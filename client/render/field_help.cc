#include "client/render/field_help.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "anneal/v1/options.pb.h"
#include "common/enum_name.h"
#include "common/field_behavior.h"

namespace anneal::client::render {
namespace {

using config::SchemaField;
using google::protobuf::FieldDescriptor;

constexpr size_t kDefaultWidth = 24;

struct Choice {
  std::string name;
  std::string description;
};

std::vector<Choice> ChoicesOf(const FieldDescriptor& field) {
  std::vector<Choice> choices;
  const auto* type = field.enum_type();
  for (int i = 0; type != nullptr && i < type->value_count(); ++i) {
    const auto* value = type->value(i);
    if (value->number() == 0) continue;
    choices.push_back({ShortName(*value), value->options().GetExtension(v1::choice)});
  }
  return choices;
}

std::string TypeText(const SchemaField& field) {
  if (field.field->is_repeated()) return "list, as JSON";
  switch (field.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
      return "whole number";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return "number";
    case FieldDescriptor::CPPTYPE_BOOL:
      return "true or false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return absl::StrCat("one of ", EnumChoices(*field.field->enum_type()));
    case FieldDescriptor::CPPTYPE_STRING:
      return "text";
    default:
      return "message";
  }
}

std::string DefaultText(const SchemaField& field) {
  if (IsRequired(*field.field)) return "none: required";
  const v1::ConfigField& options = field.options();
  return options.default_value().empty() ? options.when_unset() : options.default_value();
}

// The assignments of a field's example, which `--set` takes; none for a message.
std::vector<std::string> ExampleOf(const SchemaField& field) {
  const v1::ConfigField& options = field.options();
  const std::string& value =
      options.example().empty() ? options.default_value() : options.example();
  if (value.empty()) return {};
  std::vector<std::string> assignments = {absl::StrCat(field.path, "=", value)};
  assignments.insert(assignments.end(), options.example_with().begin(),
                     options.example_with().end());
  for (std::string& assignment : assignments) {
    absl::StrReplaceAll({{".N.", ".0."}}, &assignment);
  }
  return assignments;
}

std::string ExampleText(const SchemaField& field) { return absl::StrJoin(ExampleOf(field), " "); }

// The options of the example, quoted for a shell where they need quotes; empty for a message.
std::string ExampleOptions(const SchemaField& field) {
  return absl::StrJoin(ExampleOf(field), " ", [](std::string* out, const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
      return absl::ascii_isalnum(c) || absl::StrContains("._-/=", c);
    });
    absl::StrAppend(out, "--set ", plain ? text : absl::StrCat("'", text, "'"));
  });
}

// Descriptions have no abbreviations: a period before a space ends a sentence.
std::string FirstSentence(const std::string& text) {
  if (const size_t end = text.find(". "); end != std::string::npos) return text.substr(0, end);
  return absl::EndsWith(text, ".") ? text.substr(0, text.size() - 1) : text;
}

// Returns the non-empty facts of a field with their display names.
std::vector<std::pair<std::string, std::string>> Facts(const SchemaField& field) {
  std::vector<std::pair<std::string, std::string>> facts;
  const auto add = [&facts](const std::string& name, const std::string& value) {
    if (!value.empty()) facts.emplace_back(name, value);
  };
  add("type", TypeText(field));
  add("unit", field.options().unit());
  add("range", config::RangeText(*field.field));
  add("default", DefaultText(field));
  add("applies", field.options().applies_when().empty()
                     ? ""
                     : absl::StrCat("when ", field.options().applies_when()));
  return facts;
}

std::string ChoicesText(const SchemaField& field) {
  const std::vector<Choice> choices = ChoicesOf(*field.field);
  size_t width = 0;
  for (const Choice& choice : choices) width = std::max(width, choice.name.size());
  std::string text = choices.empty() ? "" : "\n";
  for (const Choice& choice : choices) {
    absl::StrAppend(&text, "  ", Pad(choice.name, width, Table::Align::kLeft), "  ",
                    choice.description, "\n");
  }
  return text;
}

std::string MarkdownOf(const SchemaField& field) {
  if (field.is_message() && !field.field->is_repeated()) {
    const bool nested = absl::StrContains(field.path, '.');
    return absl::StrCat("\n", nested ? "### " : "## ", field.path, "\n\n",
                        field.options().description(), "\n");
  }
  std::string text =
      absl::StrCat("\n### ", field.path, "\n\n", field.options().description(), "\n\n");
  for (const auto& [name, value] : Facts(field)) {
    // The choices follow one by one.
    const bool is_code = name == "default" && !field.options().default_value().empty();
    if (name == "type" && field.field->enum_type() != nullptr) {
      absl::StrAppend(&text, "- type: one of the choices below\n");
    } else {
      absl::StrAppend(&text, "- ", name, ": ", is_code ? absl::StrCat("`", value, "`") : value,
                      "\n");
    }
  }
  if (const std::string example = ExampleOptions(field); !example.empty()) {
    absl::StrAppend(&text, "- example: `", example, "`\n");
  }
  const std::vector<Choice> choices = ChoicesOf(*field.field);
  if (!choices.empty()) absl::StrAppend(&text, "\n| choice | meaning |\n|---|---|\n");
  for (const Choice& choice : choices) {
    absl::StrAppend(&text, "| ", choice.name, " | ",
                    absl::StrReplaceAll(choice.description, {{"|", "\\|"}}), " |\n");
  }
  return text;
}

}  // namespace

std::vector<const SchemaField*> FieldsBelow(const std::string& path) {
  std::vector<const SchemaField*> fields;
  for (const SchemaField& field : config::Schema()) {
    if (field.is_message() && !field.field->is_repeated()) continue;
    if (path.empty() || field.path == path || absl::StartsWith(field.path, path + ".")) {
      fields.push_back(&field);
    }
  }
  return fields;
}

std::string FieldHelp(const SchemaField& field) {
  std::string text = absl::StrCat(field.path, "\n\n", field.options().description(), "\n");
  if (field.is_message() && !field.field->is_repeated()) return text;
  absl::StrAppend(&text, "\n");
  auto facts = Facts(field);
  if (const std::string example = ExampleOptions(field); !example.empty()) {
    facts.emplace_back("example", example);
  }
  for (const auto& [name, value] : facts) {
    absl::StrAppend(&text, Pad(name, 8, Table::Align::kLeft), " ", value, "\n");
  }
  return absl::StrCat(text, ChoicesText(field));
}

Table FieldTable(const std::vector<const SchemaField*>& fields, bool complete) {
  using Align = Table::Align;
  Table table({{"field", "FIELD", Align::kLeft},
               {"default", "DEFAULT", Align::kLeft},
               {"description", "DESCRIPTION", Align::kLeft}});
  for (const SchemaField* field : fields) {
    table.AddRow({field->path,
                  complete ? DefaultText(*field) : Cut(DefaultText(*field), kDefaultWidth),
                  FirstSentence(field->options().description())});
  }
  return table;
}

Table FieldCsv(const std::vector<const SchemaField*>& fields) {
  std::vector<Table::Column> columns;
  for (const char* key :
       {"field", "type", "unit", "range", "default", "applies", "example", "description"}) {
    columns.push_back({key, key, Table::Align::kLeft});
  }
  Table table(columns);
  for (const SchemaField* field : fields) {
    table.AddRow({field->path, TypeText(*field), field->options().unit(),
                  config::RangeText(*field->field), DefaultText(*field),
                  field->options().applies_when(), ExampleText(*field),
                  field->options().description()});
  }
  return table;
}

FieldRecord RecordOf(const SchemaField& field) {
  FieldRecord record;
  const Table row = FieldCsv({&field});
  for (size_t c = 0; c < row.columns().size(); ++c) {
    const auto* member = FieldRecord::descriptor()->FindFieldByName(row.columns()[c].key);
    record.GetReflection()->SetString(&record, member, row.rows()[0][c]);
  }
  for (const Choice& choice : ChoicesOf(*field.field)) {
    FieldChoice* entry = record.add_choices();
    entry->set_name(choice.name);
    entry->set_description(choice.description);
  }
  return record;
}

std::string ConfigMarkdown() {
  std::string text =
      "# The training config\n"
      "\n"
      "Every field of a config, as `anneal submit --set FIELD=VALUE` and `--sweep` take it. N is\n"
      "the number of a layer, from 0. Generated from `proto/anneal/v1/config.proto` by\n"
      "`anneal explain --markdown > docs/config.md`; do not edit it. `anneal explain FIELD` "
      "prints\n"
      "one field.\n";
  std::string top = "\n## The run\n";
  std::string rest;
  for (const SchemaField& field : config::Schema()) {
    const bool is_top = !absl::StrContains(field.path, '.') && !field.is_message();
    absl::StrAppend(is_top ? &top : &rest, MarkdownOf(field));
  }
  return absl::StrCat(text, top, rest);
}

}  // namespace anneal::client::render
