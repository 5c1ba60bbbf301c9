#include "server/api/download_reactor.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/message_limits.h"
#include "common/resource_name.h"
#include "common/status.h"
#include "common/wall_clock.h"
#include "server/api/status.h"
#include "server/store/checkpoint_store.h"
#include "server/store/run_store.h"

namespace anneal::api {
namespace {

using Rows = std::vector<store::CheckpointRow>;

// A run in progress may remove a checkpoint between the query and the opening of its file.
constexpr int kTries = 3;

v1::CheckpointInfo Info(const store::CheckpointRow& row, bool last) {
  v1::CheckpointInfo info;
  info.set_epoch(row.epoch);
  info.set_step(row.step);
  info.set_best(row.best);
  info.set_last(last);
  info.set_size_bytes(row.file.bytes);
  info.set_sha256(row.file.sha256);
  *info.mutable_create_time() = ToTimestamp(row.created);
  return info;
}

absl::StatusOr<Rows> RowsOf(store::Store* store, const RunName& name) {
  return store->Read([&](store::Connection& db) -> absl::StatusOr<Rows> {
    ANNEAL_ASSIGN_OR_RETURN(const int64_t run, store::RunKey(db, name));
    return store::ListCheckpoints(db, run);
  });
}

absl::StatusOr<store::CheckpointRow> Choose(const Rows& rows,
                                            const v1::DownloadCheckpointRequest& request) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const store::CheckpointRow& row) {
    return request.best() ? row.best : !request.has_epoch() || row.epoch == request.epoch();
  });
  if (found != rows.end()) return *found;
  const std::string epochs = absl::StrJoin(
      rows, ", ",
      [](std::string* out, const store::CheckpointRow& row) { absl::StrAppend(out, row.epoch); });
  const std::string wanted = request.best()        ? " marked best"
                             : request.has_epoch() ? absl::StrCat(" of epoch ", request.epoch())
                                                   : "";
  return WithReason(absl::NotFoundError(absl::StrCat(
                        ShortenName(request.name()), " has no checkpoint", wanted, "; it has ",
                        rows.empty() ? "none" : "those of epoch ", epochs)),
                    v1::ERROR_REASON_CHECKPOINT_NOT_FOUND);
}

}  // namespace

absl::StatusOr<v1::ListCheckpointsResponse> CheckpointsOf(
    store::Store* store, const v1::ListCheckpointsRequest& request) {
  ANNEAL_ASSIGN_OR_RETURN(const RunName name, ParseRunName("parent", request.parent()));
  ANNEAL_ASSIGN_OR_RETURN(const Rows rows, RowsOf(store, name));
  v1::ListCheckpointsResponse response;
  for (const store::CheckpointRow& row : rows) {
    *response.add_checkpoints() = Info(row, row.step == rows.front().step);
  }
  return response;
}

DownloadReactor* DownloadReactor::Start(grpc::CallbackServerContext* context,
                                        const v1::DownloadCheckpointRequest& request,
                                        const Dependencies& dependencies) {
  auto* reactor = new DownloadReactor(request, dependencies);
  const bool accepted = dependencies.pool->TryRun([reactor, context] { reactor->Begin(*context); });
  if (!accepted) reactor->Finish(ToGrpc(OverloadError()));
  return reactor;
}

void DownloadReactor::Begin(const grpc::CallbackServerContext& context) {
  if (const absl::Status status = Open(context); !status.ok()) {
    Finish(ToGrpc(status));
  } else {
    StartWrite(&in_flight_);
  }
}

absl::Status DownloadReactor::Open(const grpc::CallbackServerContext& context) {
  ANNEAL_RETURN_IF_ERROR(
      dependencies_.authorization->Authorize(CredentialsOf(context), request_).status());
  ANNEAL_ASSIGN_OR_RETURN(const RunName name, ParseRunName("name", request_.name()));
  absl::Status damaged;
  for (int i = 0; i < kTries; ++i) {
    ANNEAL_ASSIGN_OR_RETURN(const Rows rows, RowsOf(dependencies_.store, name));
    ANNEAL_ASSIGN_OR_RETURN(const store::CheckpointRow row, Choose(rows, request_));
    absl::StatusOr<std::ifstream> file = dependencies_.checkpoints->Open(row.file);
    if (file.ok()) {
      file_ = *std::move(file);
      left_ = row.file.bytes;
      *in_flight_.mutable_checkpoint() = Info(row, row.step == rows.front().step);
      return absl::OkStatus();
    }
    damaged = file.status();
  }
  return damaged;
}

void DownloadReactor::OnWriteDone(bool ok) {
  if (!ok || left_ == 0) {
    Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED);
  } else {
    dependencies_.pool->Run([this] { WriteNext(); });
  }
}

void DownloadReactor::WriteNext() {
  std::string contents(static_cast<size_t>(std::min(left_, kFilePieceBytes)), '\0');
  file_.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  if (!file_) {
    Finish({grpc::StatusCode::UNAVAILABLE, "the checkpoint can no longer be read; try again"});
    return;
  }
  left_ -= static_cast<int64_t>(contents.size());
  in_flight_.clear_checkpoint();
  in_flight_.set_contents(std::move(contents));
  StartWrite(&in_flight_);
}

}  // namespace anneal::api
