// SQL functions of our own, on every connection: what the wire format of a submission holds.

#ifndef ANNEAL_SERVER_STORE_FUNCTIONS_H_
#define ANNEAL_SERVER_STORE_FUNCTIONS_H_

struct sqlite3;

namespace anneal::store {

// labels_of(submission): a JSON object. note_of(submission): a text. NULL where the submission is
// not readable. Returns SQLite's code.
int AddFunctions(sqlite3* handle);

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_FUNCTIONS_H_
