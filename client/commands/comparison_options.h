// `AddComparisonOptions` adds the options of commands that compare arms.

#ifndef ANNEAL_CLIENT_COMMANDS_COMPARISON_OPTIONS_H_
#define ANNEAL_CLIENT_COMMANDS_COMPARISON_OPTIONS_H_

#include <CLI/CLI.hpp>

#include "anneal/v1/services.pb.h"

namespace anneal::client::commands {

// Adds --by, which sets the fields that arms are grouped by. `request` outlives `app`.
void AddGroupingOption(CLI::App* app, v1::CompareExperimentsRequest* request);

// Adds --by, --within, --baseline and --failed, which set the request's fields. `request` outlives
// `app`.
void AddComparisonOptions(CLI::App* app, v1::CompareExperimentsRequest* request);

}  // namespace anneal::client::commands

#endif  // ANNEAL_CLIENT_COMMANDS_COMPARISON_OPTIONS_H_
