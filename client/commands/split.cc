// anneal split writes the images that a run trains and validates on, in their order.

#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "client/commands/command.h"
#include "client/exporters/npz.h"
#include "client/exporters/output_file.h"
#include "common/resource_name.h"
#include "common/status.h"

namespace anneal::client::commands {
namespace {

struct SplitOptions {
  std::string run;  // full name
  std::string path;
  std::vector<int> epochs = {1};
};

// A list of images, as it is requested and written.
struct SplitPart {
  v1::ListSplitImagesRequest::Part part;
  std::string name;
  int epoch = 0;  // of PART_EPOCH
};

using WritePart =
    std::function<absl::Status(const SplitPart& part, absl::Span<const int32_t> images)>;

std::vector<SplitPart> PartsOf(const SplitOptions& options) {
  std::vector<SplitPart> parts = {{v1::ListSplitImagesRequest::PART_TRAIN, "train"},
                                  {v1::ListSplitImagesRequest::PART_VALIDATION, "validation"}};
  for (const int epoch : std::set<int>(options.epochs.begin(), options.epochs.end())) {
    parts.push_back({v1::ListSplitImagesRequest::PART_EPOCH, "epoch", epoch});
  }
  return parts;
}

absl::Status ForEachPart(Connection* connection, const SplitOptions& options,
                         const WritePart& write) {
  for (const SplitPart& part : PartsOf(options)) {
    v1::ListSplitImagesRequest request;
    request.set_parent(options.run);
    request.set_part(part.part);
    request.set_epoch(part.epoch);
    ANNEAL_ASSIGN_OR_RETURN(const std::vector<int32_t> images,
                            connection->ListSplitImages(std::move(request)));
    ANNEAL_RETURN_IF_ERROR(write(part, images));
  }
  return absl::OkStatus();
}

// Arrays `train`, `validation`, `epoch_1` and so on.
absl::Status WriteNpz(Connection* connection, const SplitOptions& options) {
  exporters::NpzFile file("--out", options.path);
  const auto add = [&file](const SplitPart& part, absl::Span<const int32_t> images) {
    return file.Add(part.epoch == 0 ? part.name : absl::StrCat(part.name, "_", part.epoch), images);
  };
  ANNEAL_RETURN_IF_ERROR(ForEachPart(connection, options, add));
  return file.Finish();
}

absl::Status WriteCsv(Connection* connection, const SplitOptions& options) {
  exporters::OutputFile file("--out", options.path);
  file.Write("part,epoch,position,image\n");
  const auto add = [&file](const SplitPart& part, absl::Span<const int32_t> images) {
    const std::string begin =
        absl::StrCat(part.name, ",", part.epoch == 0 ? "" : absl::StrCat(part.epoch), ",");
    for (size_t i = 0; i < images.size(); ++i) {
      file.Write(absl::StrCat(begin, i, ",", images[i], "\n"));
    }
    return file.status();
  };
  ANNEAL_RETURN_IF_ERROR(ForEachPart(connection, options, add));
  return file.Finish();
}

absl::Status WriteSplit(Connection* connection, const SplitOptions& options) {
  if (absl::EndsWith(options.path, ".npz")) return WriteNpz(connection, options);
  if (absl::EndsWith(options.path, ".csv")) return WriteCsv(connection, options);
  return InvalidField("--out",
                      absl::StrCat("is ", options.path, "; the name must end in .npz or .csv"));
}

int Split(Connection* connection, const SplitOptions& options) {
  const absl::Status written = WriteSplit(connection, options);
  if (!written.ok()) return PrintError(written);
  std::cout << options.path << "\n";
  return kSuccess;
}

}  // namespace

void AddSplitCommand(CLI::App* app, Globals* globals) {
  CLI::App* split = app->add_subcommand(
      "split", "Write the images that a run trains and validates on, as numbers from 0");
  const auto run = std::make_shared<std::string>();
  const auto options = std::make_shared<SplitOptions>();
  split->add_option("run", *run, "Run, such as first/0")->required();
  split
      ->add_option("--out", options->path,
                   "Output file: FILE.npz for numpy.load, or FILE.csv, of the training file's "
                   "images in the order of the split and of each epoch")
      ->required();
  split->add_option("--epochs", options->epochs, "Epochs whose order to write, such as 1,2")
      ->delimiter(',')
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  split->footer("Example: anneal split first/0 --out split.npz");
  split->callback([globals, run, options] {
    options->run = ExpandName(*run);
    globals->command = [options](Connection* connection) { return Split(connection, *options); };
  });
}

}  // namespace anneal::client::commands
