// `Flatten` turns a message into a flat list of named values, for CSV. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FLATTEN_H_
#define ANNEAL_CLIENT_RENDER_FLATTEN_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/render/table.h"
#include "google/protobuf/message.h"

namespace anneal::client::render {

// Returns every scalar of the message by name, in schema order: `theta_mean` for a field of a
// nested message, `layers_0_gradient_norm` for an element of a list, `labels_owner` for a map
// entry. A map of MetricValue has the names of the metrics: `best.train_loss`, and
// `best.train_loss.epoch`. Times are RFC 3339. Unset fields are empty, those of unset messages and
// unspecified enums included; lists of numbers are omitted, and so are the fields `omitted`.
std::vector<std::pair<std::string, std::string>> Flatten(const google::protobuf::Message& message,
                                                         const std::set<std::string>& omitted = {});

// Returns one row per message. The columns are those of `prototype`, so that they exist without
// messages and do not depend on which fields are set, followed by any other columns in order of
// first appearance.
Table FlatTable(const std::vector<const google::protobuf::Message*>& messages,
                const google::protobuf::Message& prototype,
                const std::set<std::string>& omitted = {});

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_FLATTEN_H_
