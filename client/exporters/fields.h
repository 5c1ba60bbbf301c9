// What sets configs apart. Pure; thread-safe.

#ifndef ANNEAL_CLIENT_EXPORTERS_FIELDS_H_
#define ANNEAL_CLIENT_EXPORTERS_FIELDS_H_

#include <optional>
#include <string>
#include <vector>

#include "anneal/v1/config.pb.h"

namespace anneal::client::exporters {

// The paths of single values, in the order of the schema: nothing into lists, no messages.
std::vector<std::string> ScalarFields();

// The paths of single values and of whole lists in which not all of the configs are the same.
std::vector<std::string> DifferingFields(const std::vector<const v1::TrainingConfig*>& configs);

// The arguments of `anneal submit` that make `config` again: `--preset NAME` and a `--set` for each
// field in which it is another than `base`, the preset's config. Quoted for a shell. Nothing where
// that cannot be said in such a way.
std::optional<std::string> SubmitArguments(const std::string& preset,
                                           const v1::TrainingConfig& base,
                                           const v1::TrainingConfig& config);

// A word for a shell: quoted where that is needed.
std::string ShellWord(const std::string& word);

}  // namespace anneal::client::exporters

#endif  // ANNEAL_CLIENT_EXPORTERS_FIELDS_H_
