// anneal checkpoint lists and downloads the checkpoints of a run.

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/commands/command.h"
#include "client/exporters/output_file.h"
#include "client/render/flatten.h"
#include "client/render/format.h"
#include "common/resource_name.h"
#include "common/sha256.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

using Align = render::Table::Align;

int List(Connection* connection, const ListOptions& options, const std::string& typed) {
  const auto response = connection->ListCheckpoints(ExpandName(typed));
  if (!response.ok()) return PrintError(response.status());
  render::Table table({{"epoch", "EPOCH"},
                       {"step", "STEP"},
                       {"kept", "KEPT AS", Align::kLeft},
                       {"bytes", "BYTES"},
                       {"created", "CREATED", Align::kLeft, 1},
                       {"sha256", "SHA-256", Align::kLeft, 2}});
  Listing listing{.table = &table};
  for (const v1::CheckpointInfo& info : response->checkpoints()) {
    if (IsFull(options, listing)) break;
    const std::string kept = info.last()   ? (info.best() ? "last, best" : "last")
                             : info.best() ? "best"
                                           : "earlier";
    table.AddRow({absl::StrCat(info.epoch()), absl::StrCat(info.step()), kept,
                  absl::StrCat(info.size_bytes()), render::Ago(info.create_time(), absl::Now()),
                  info.sha256()});
    listing.messages.push_back(&info);
    listing.names.push_back(absl::StrCat(info.step()));
  }
  const render::Table csv = render::FlatTable(listing.messages, v1::CheckpointInfo());
  listing.csv = &csv;
  return Print(options, listing);
}

// Verifies the SHA-256 before the file is renamed to its final path.
absl::StatusOr<v1::CheckpointInfo> DownloadTo(Connection* connection,
                                              const v1::DownloadCheckpointRequest& request,
                                              const std::string& path) {
  exporters::OutputFile file("--out", path);
  Sha256 hash;
  ANNEAL_ASSIGN_OR_RETURN(v1::CheckpointInfo info,
                          connection->DownloadCheckpoint(request, [&](const std::string& contents) {
                            hash.Update(contents);
                            file.Write(contents);
                            return file.status();
                          }));
  if (hash.HexDigest() != info.sha256()) {
    return absl::DataLossError("the download does not match its SHA-256; try again");
  }
  ANNEAL_RETURN_IF_ERROR(file.Finish());
  return info;
}

int Download(Connection* connection, const v1::DownloadCheckpointRequest& request,
             const std::string& path) {
  const auto info = DownloadTo(connection, request, path);
  if (!info.ok()) return PrintError(info.status());
  std::cerr << "epoch " << info->epoch() << ", step " << info->step() << ", " << info->size_bytes()
            << " bytes\n";
  std::cout << path << "\n";
  return kSuccess;
}

}  // namespace

void AddCheckpointCommands(CLI::App* app, Globals* globals) {
  CLI::App* checkpoint =
      app->add_subcommand("checkpoint", "List or download the checkpoints of a run");
  checkpoint->require_subcommand(1);
  const auto run = std::make_shared<std::string>();

  CLI::App* list =
      checkpoint->add_subcommand("list", "List the checkpoints of a run, latest first");
  const auto options = std::make_shared<ListOptions>();
  list->add_option("run", *run, "Run, such as first/0")->required();
  AddListOptions(list, options.get());
  AddSelectionOptions(list, options.get());
  list->footer("Example: anneal checkpoint list first/0");
  list->callback([globals, run, options] {
    globals->command = [run, options](Connection* connection) {
      return List(connection, *options, *run);
    };
  });

  CLI::App* download = checkpoint->add_subcommand(
      "download", "Download a checkpoint as a safetensors file; by default the last one");
  const auto best = std::make_shared<bool>(false);
  const auto epoch = std::make_shared<int>(0);
  const auto out = std::make_shared<std::string>();
  download->add_option("run", *run, "Run, such as first/0")->required();
  CLI::Option* best_flag =
      download->add_flag("--best", *best, "Download the one with the best weights");
  CLI::Option* last_flag = download->add_flag("--last")
                               ->description("Download the last one (default)")
                               ->excludes(best_flag);
  CLI::Option* epoch_option =
      download->add_option("--epoch", *epoch, "Download the one after this many epochs")
          ->excludes(best_flag)
          ->excludes(last_flag);
  download->add_option("--out", *out, "Output file")->required();
  download->footer("Example: anneal checkpoint download first/0 --best --out best.safetensors");
  download->callback([globals, run, best, epoch, epoch_option, out] {
    v1::DownloadCheckpointRequest request;
    request.set_name(ExpandName(*run));
    if (*best) request.set_best(true);
    if (epoch_option->count() > 0) request.set_epoch(*epoch);
    globals->command = [request, out](Connection* connection) {
      return Download(connection, request, *out);
    };
  });
}

}  // namespace anneal::client::commands
