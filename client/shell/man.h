// `ManPage` generates manual pages from the CLI definition.

#ifndef ANNEAL_CLIENT_SHELL_MAN_H_
#define ANNEAL_CLIENT_SHELL_MAN_H_

#include <CLI/CLI.hpp>
#include <string>

namespace anneal::client::shell {

// Returns the man(7) page of the program or of one of its commands, including subcommands.
std::string ManPage(const CLI::App& app);

// Returns the name of the page: anneal, anneal-submit.
std::string ManName(const CLI::App& app);

}  // namespace anneal::client::shell

#endif  // ANNEAL_CLIENT_SHELL_MAN_H_
