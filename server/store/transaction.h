// `Transaction` is the argument of a write: the writer's connection inside an open transaction. It
// lives on the writer's thread for the duration of one write.

#ifndef ANNEAL_SERVER_STORE_TRANSACTION_H_
#define ANNEAL_SERVER_STORE_TRANSACTION_H_

#include <cstdint>
#include <set>

#include "server/store/connection.h"

namespace anneal::store {

class Transaction {
 public:
  explicit Transaction(Connection* connection) : connection_(connection) {}

  Connection& db() { return *connection_; }

  // Marks an experiment's log as changed, for the commit listener.
  void NoteEvent(int64_t experiment_id) { experiments_.insert(experiment_id); }
  const std::set<int64_t>& experiments() const { return experiments_; }

 private:
  Connection* const connection_;
  std::set<int64_t> experiments_;
};

}  // namespace anneal::store

#endif  // ANNEAL_SERVER_STORE_TRANSACTION_H_
