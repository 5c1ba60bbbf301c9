#include "server/api/backup_reactor.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/message_limits.h"
#include "common/status.h"
#include "server/api/status.h"
#include "server/store/maintenance.h"

namespace anneal::api {

BackupReactor* BackupReactor::Start(grpc::CallbackServerContext* context,
                                    const v1::BackUpDatabaseRequest& request,
                                    const Dependencies& dependencies) {
  auto* reactor = new BackupReactor(context, request, dependencies);
  const bool accepted = dependencies.pool->TryRun([reactor] { reactor->Begin(); });
  if (!accepted) reactor->Finish(ToGrpc(OverloadError()));
  return reactor;
}

void BackupReactor::Begin() {
  if (const absl::Status status = MakeCopy(); !status.ok()) {
    Finish(ToGrpc(status));
    return;
  }
  in_flight_.set_size_bytes(left_);
  StartWrite(&in_flight_);
}

absl::Status BackupReactor::MakeCopy() {
  ANNEAL_RETURN_IF_ERROR(
      dependencies_.authorization->Authorize(CredentialsOf(*context_), request_).status());
  has_claim_ = !dependencies_.in_progress->exchange(true);
  if (!has_claim_) {
    return WithReason(
        absl::AbortedError("another backup is in progress; retry when it has finished"),
        v1::ERROR_REASON_BACKUP_IN_PROGRESS);
  }
  const std::string& database = dependencies_.store->path();
  const std::string path = absl::StrCat(database, ".backup");
  // A daemon that was killed may have left one.
  ::unlink(path.c_str());
  ANNEAL_RETURN_IF_ERROR(store::BackUpDatabase(database, path));
  copy_.open(path, std::ios::binary);
  std::error_code error;
  left_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
  ::unlink(path.c_str());
  if (copy_ && !error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, " cannot be read"));
}

void BackupReactor::OnWriteDone(bool ok) {
  if (!ok || is_last_) {
    Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED);
  } else {
    dependencies_.pool->Run([this] { WriteNext(); });
  }
}

void BackupReactor::WriteNext() {
  std::string contents(static_cast<size_t>(std::min(left_, kFilePieceBytes)), '\0');
  copy_.read(contents.data(), static_cast<std::streamsize>(contents.size()));
  if (!copy_) {
    Finish({grpc::StatusCode::UNAVAILABLE, "the copy can no longer be read; try again"});
    return;
  }
  left_ -= static_cast<int64_t>(contents.size());
  hash_.Update(contents);
  in_flight_.clear_size_bytes();
  in_flight_.set_contents(std::move(contents));
  is_last_ = left_ == 0;
  if (is_last_) in_flight_.set_sha256(hash_.HexDigest());
  StartWrite(&in_flight_);
}

void BackupReactor::OnDone() {
  if (has_claim_) dependencies_.in_progress->store(false);
  delete this;
}

}  // namespace anneal::api
