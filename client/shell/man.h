// Manual pages, made of what the commands say of themselves.

#ifndef ANNEAL_CLIENT_SHELL_MAN_H_
#define ANNEAL_CLIENT_SHELL_MAN_H_

#include <CLI/CLI.hpp>
#include <string>

namespace anneal::client::shell {

// The page of the program, or of one of its commands with all that belong to it, in man(7) format.
std::string ManPage(const CLI::App& app);

// What `man` knows it by: anneal, anneal-submit.
std::string ManName(const CLI::App& app);

}  // namespace anneal::client::shell

#endif  // ANNEAL_CLIENT_SHELL_MAN_H_
