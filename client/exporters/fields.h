// These functions find the fields in which configs differ, and the command line that reproduces a
// config. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_EXPORTERS_FIELDS_H_
#define ANNEAL_CLIENT_EXPORTERS_FIELDS_H_

#include <optional>
#include <string>
#include <vector>

#include "anneal/v1/config.pb.h"

namespace anneal::client::exporters {

// Returns the paths of all scalar fields outside of lists, in schema order.
std::vector<std::string> ScalarFields();

// Returns the paths of the scalar fields and of the whole lists that differ between the configs.
std::vector<std::string> DifferingFields(const std::vector<const v1::TrainingConfig*>& configs);

// Returns the arguments of `anneal submit` that reproduce `config`: `--preset NAME` and a `--set`
// for each field that differs from `base`, the preset's config. Quoted for a shell. Returns nothing
// if these options cannot express the config.
std::optional<std::string> SubmitArguments(const std::string& preset,
                                           const v1::TrainingConfig& base,
                                           const v1::TrainingConfig& config);

// Returns `word`, quoted for a shell if necessary.
std::string ShellWord(const std::string& word);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_FIELDS_H_
