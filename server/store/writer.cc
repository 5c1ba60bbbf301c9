#include "server/store/writer.h"

#include <chrono>

#include "common/status.h"

namespace anneal::store {
namespace {

constexpr size_t kMaxGroup = 256;

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection, std::unique_ptr<Reserve> reserve)
    : connection_(std::move(connection)),
      reserve_(std::move(reserve)),
      thread_([this] { Loop(); }) {}

Writer::~Writer() {
  {
    MutexLock lock(&mutex_);
    closing_ = true;
    wake_.Signal();
  }
  thread_.join();
}

absl::Status Writer::Write(WriteFunction function, Purpose purpose) {
  Request request{.function = std::move(function), .purpose = purpose};
  MutexLock lock(&mutex_);
  queue_.push_back(&request);
  if (queue_.size() == 1) wake_.Signal();
  while (!request.done) request.changed.Wait(&mutex_);
  return request.status;
}

void Writer::Loop() {
  while (true) {
    std::vector<Request*> group;
    {
      MutexLock lock(&mutex_);
      while (queue_.empty() && !closing_) wake_.Wait(&mutex_);
      if (queue_.empty()) return;
      while (!queue_.empty() && group.size() < kMaxGroup) {
        group.push_back(queue_.front());
        queue_.pop_front();
      }
    }
    const auto begin = std::chrono::steady_clock::now();
    const absl::Status status = Commit(group);
    CommitWithReserve(group);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (observer_) observer_(status, seconds.count());
    MutexLock lock(&mutex_);
    for (Request* request : group) {
      request->done = true;
      request->changed.Signal();
    }
  }
}

absl::Status Writer::Commit(const std::vector<Request*>& group) {
  std::set<int64_t> experiments;
  absl::Status status = connection_->Prepare("BEGIN IMMEDIATE").Run();
  for (Request* request : group) {
    if (!status.ok()) break;
    request->status = RunOne(request->function, &experiments);
    // On a full disk SQLite rolls back the whole transaction, so all writes of the group failed.
    if (!connection_->in_transaction()) status = request->status;
  }
  if (status.ok()) status = connection_->Prepare("COMMIT").Run();
  if (!status.ok()) {
    if (connection_->in_transaction()) (void)connection_->Execute("ROLLBACK");
    for (Request* request : group) request->status.Update(status);
    return status;
  }
  if (listener_ && !experiments.empty()) listener_(experiments);
  return absl::OkStatus();
}

void Writer::CommitWithReserve(const std::vector<Request*>& group) {
  for (Request* request : group) {
    const bool had_no_room =
        request->purpose == Purpose::kMakeRoom && absl::IsResourceExhausted(request->status);
    if (!had_no_room || !reserve_->Release()) continue;
    request->status = absl::OkStatus();
    (void)Commit({request});
  }
  reserve_->Fill();
}

absl::Status Writer::RunOne(const WriteFunction& function, std::set<int64_t>* experiments) {
  ANNEAL_RETURN_IF_ERROR(connection_->Prepare("SAVEPOINT write").Run());
  Transaction transaction(connection_.get());
  const absl::Status status = function(transaction);
  if (status.ok()) {
    ANNEAL_RETURN_IF_ERROR(connection_->Prepare("RELEASE write").Run());
    experiments->insert(transaction.experiments().begin(), transaction.experiments().end());
    return absl::OkStatus();
  }
  if (connection_->in_transaction()) {
    ANNEAL_RETURN_IF_ERROR(connection_->Execute("ROLLBACK TO write; RELEASE write"));
  }
  return status;
}

}  // namespace anneal::store
