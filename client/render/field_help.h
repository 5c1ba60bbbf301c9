// These functions explain the fields of the training config, from its schema: as text for one
// field, a table of several, and the reference page docs/config.md. Pure.

#ifndef ANNEAL_CLIENT_RENDER_FIELD_HELP_H_
#define ANNEAL_CLIENT_RENDER_FIELD_HELP_H_

#include <string>
#include <vector>

#include "client/render/field_record.pb.h"
#include "client/render/table.h"
#include "common/config/schema.h"

namespace anneal::client::render {

// Returns the fields at and below `path`, in the order of the schema, without messages that only
// group other fields; all fields if `path` is empty.
std::vector<const config::SchemaField*> FieldsBelow(const std::string& path);

// Returns the meaning, type, range, default and choices of a field, when it applies, and an
// example.
std::string FieldHelp(const config::SchemaField& field);

// Returns a row for each field: path, default, and the first sentence of its description. Long
// defaults are cut unless the table is to be `complete`.
Table FieldTable(const std::vector<const config::SchemaField*>& fields, bool complete);

// Returns a row for each field with all of its options, for CSV.
Table FieldCsv(const std::vector<const config::SchemaField*>& fields);

// Returns the same as FieldCsv for one field, and its choices, for JSON.
FieldRecord RecordOf(const config::SchemaField& field);

// Returns docs/config.md.
std::string ConfigMarkdown();

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_FIELD_HELP_H_
