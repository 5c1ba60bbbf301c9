// Messages as flat lists of named values, for CSV. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FLATTEN_H_
#define ANNEAL_CLIENT_RENDER_FLATTEN_H_

#include <string>
#include <utility>
#include <vector>

#include "client/render/table.h"
#include "google/protobuf/message.h"

namespace anneal::client::render {

// Every scalar of the message by name, in the order of the schema: `theta_mean` for a field of a
// nested message, `layers_0_gradient_norm` for one of a list, `labels_owner` for an entry of a map.
// Times are RFC 3339. Unset fields are empty; lists of numbers are left out.
std::vector<std::pair<std::string, std::string>> Flatten(const google::protobuf::Message& message);

// A row a message. The columns are those of `prototype`, so that there are some without messages
// and they do not depend on what happens to be set, then all others that occur, in the order in
// which they first do.
Table FlatTable(const std::vector<const google::protobuf::Message*>& messages,
                const google::protobuf::Message& prototype);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_FLATTEN_H_
