#include "client/shell/man.h"

#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/version.h"

namespace anneal::client::shell {
namespace {

// Converts UTF-8 to escapes that every roff reads: θ becomes \[u03B8].
std::string AsciiOnly(absl::string_view text) {
  std::string ascii;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i++]);
    if (byte < 0x80) {
      ascii += static_cast<char>(byte);
      continue;
    }
    uint32_t character = byte >= 0xf0 ? byte & 7U : (byte >= 0xe0 ? byte & 15U : byte & 31U);
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) {
      character = character << 6 | (static_cast<unsigned char>(text[i++]) & 0x3fU);
    }
    absl::StrAppendFormat(&ascii, "\\[u%04X]", character);
  }
  return ascii;
}

// Escapes text for roff: literal hyphens, and no line that starts a request.
std::string Roff(absl::string_view text) {
  std::string escaped = absl::StrReplaceAll(text, {{"\\", "\\e"},
                                                   {"-", "\\-"},
                                                   {"'", "\\(aq"},
                                                   {"^", "\\(ha"},
                                                   {"~", "\\(ti"},
                                                   {"`", "\\(ga"}});
  escaped = AsciiOnly(escaped);
  std::vector<std::string> lines = absl::StrSplit(escaped, '\n');
  for (std::string& line : lines) {
    if (absl::StartsWith(line, ".")) line.insert(0, "\\&");
  }
  return absl::StrJoin(lines, "\n.br\n");
}

// Returns the command as typed: anneal plot curves.
std::string Typed(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : absl::StrCat(Typed(*app.get_parent()), " ", app.get_name());
}

std::string NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  return absl::StrJoin(names, ", ");
}

std::string OptionText(const CLI::Option& option) {
  const bool positional = option.get_positional();
  std::string text = absl::StrCat(
      ".TP\n\\fB", Roff(positional ? option.get_name(/*positional=*/true) : NamesOf(option)),
      "\\fR");
  if (!positional && option.get_type_size() != 0) {
    // Omits the choices that may follow; the description lists them.
    const std::string type = option.get_type_name();
    absl::StrAppend(&text, " \\fI", Roff(type.substr(0, type.find(':'))), "\\fR");
  }
  absl::StrAppend(&text, "\n", Roff(option.get_description()));
  if (option.get_required()) absl::StrAppend(&text, " (required)");
  if (!option.get_default_str().empty()) {
    absl::StrAppend(&text, " (default: ", Roff(option.get_default_str()), ")");
  }
  return text + "\n";
}

std::string OptionsText(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_group().empty()) text += OptionText(*option);
  }
  return text;
}

std::string ExampleText(const CLI::App& app) {
  const std::string footer = app.get_footer();
  if (footer.empty()) return "";
  const absl::string_view example =
      absl::StripAsciiWhitespace(absl::StripPrefix(footer, "Example: "));
  return absl::StrCat(".nf\n", Roff(example), "\n.fi\n");
}

// Returns the section of a subcommand.
std::string CommandText(const CLI::App& app) {
  std::string text =
      absl::StrCat(".SH ", Roff(absl::AsciiStrToUpper(Typed(app))), "\n",
                   Roff(app.get_description()), ".\n", OptionsText(app), ".PP\n", ExampleText(app));
  for (const CLI::App* command : app.get_subcommands(nullptr)) text += CommandText(*command);
  return text;
}

}  // namespace

std::string ManName(const CLI::App& app) { return absl::StrReplaceAll(Typed(app), {{" ", "-"}}); }

std::string ManPage(const CLI::App& app) {
  const bool is_program = app.get_parent() == nullptr;
  const std::string description(absl::StripPrefix(app.get_description(), "anneal: "));
  std::string page =
      absl::StrCat(".TH ", absl::AsciiStrToUpper(ManName(app)), " 1 \"\" \"anneal ", kVersion,
                   "\" \"Convexity Annealing\"\n.SH NAME\n", Roff(ManName(app)), " \\- ",
                   Roff(description), "\n.SH SYNOPSIS\n\\fB", Roff(Typed(app)), "\\fR ");
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const bool many = option->get_expected_max() > 1;
    absl::StrAppend(&page, option->get_required() ? "" : "[", "\\fI",
                    Roff(option->get_name(/*positional=*/true)), "\\fR", many ? "..." : "",
                    option->get_required() ? " " : "] ");
  }
  absl::StrAppend(&page, app.get_subcommands(nullptr).empty() ? "" : "\\fICOMMAND\\fR ",
                  "[\\fIOPTIONS\\fR]\n.SH OPTIONS\n", OptionsText(app));
  if (is_program) {
    absl::StrAppend(&page, ".SH COMMANDS\n");
    for (const CLI::App* command : app.get_subcommands(nullptr)) {
      absl::StrAppend(&page, ".TP\n\\fB", Roff(ManName(*command)), "\\fR(1)\n",
                      Roff(command->get_description()), "\n");
    }
    absl::StrAppend(&page,
                    ".SH EXIT STATUS\n0: success. 1: failure. 2: usage error. 3: interrupted; runs "
                    "continue.\n.SH ENVIRONMENT\n.TP\nANNEAL_SERVER\nAddress of the daemon, like "
                    "\\-\\-server.\n"
                    ".TP\nNO_COLOR\nDisables colours.\n");
  } else {
    for (const CLI::App* command : app.get_subcommands(nullptr)) page += CommandText(*command);
    const std::string example = ExampleText(app);
    if (!example.empty()) absl::StrAppend(&page, ".SH EXAMPLE\n", example);
  }
  return absl::StrCat(page, ".SH SEE ALSO\n", is_program ? "anneald" : "\\fBanneal\\fR(1), anneald",
                      "\n");
}

}  // namespace anneal::client::shell
