// `AddFunctions` registers the SQL functions that extract fields from a serialised submission.

#ifndef ANNEAL_SERVER_STORE_FUNCTIONS_H_
#define ANNEAL_SERVER_STORE_FUNCTIONS_H_

struct sqlite3;

namespace anneal::store {

// Registers labels_of(submission), which returns a JSON object, and note_of(submission), which
// returns a text. Both return NULL if the submission cannot be parsed. Returns SQLite's result
// code.
int AddFunctions(sqlite3* handle);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_FUNCTIONS_H_
