// Fuzzes a filter (first line) and an order (second line): every accepted one becomes SQL that
// SQLite accepts, for lists of experiments and of runs; refusals are INVALID_ARGUMENT.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "anneal/v1/services.pb.h"
#include "common/config/presets.h"
#include "common/config/validation.h"
#include "server/api/list_request.h"
#include "server/store/experiment_store.h"
#include "server/store/run_store.h"
#include "server/store/store.h"
#include "tests/fixtures/temp_directory.h"
#include "tests/fuzz/require.h"

namespace anneal::fuzz {
namespace {

// One experiment per preset, so that comparisons are evaluated.
std::unique_ptr<store::Store> MakeStore(const std::string& directory) {
  auto store = store::Store::Open(directory);
  RequireOk(store.status(), "a store opens");
  int count = 0;
  for (const v1::Preset& preset : config::Presets()) {
    store::NewExperiment experiment;
    experiment.id = "e" + std::to_string(count++);
    *experiment.submission.mutable_config() = preset.config();
    (*experiment.submission.mutable_labels())["team"] = experiment.id;
    experiment.cells = {store::NewCell({}, config::ResolveConfig(preset.config()), {0})};
    RequireOk((*store)->Write([&](store::Transaction& transaction) {
      return store::InsertExperiment(transaction, experiment);
    }),
              "an experiment is stored");
  }
  return *std::move(store);
}

template <typename Request, typename List>
void Try(const Request& request, store::Listed listed, size_t default_terms, const List& list) {
  const auto parsed = api::ParseListRequest(request, listed, default_terms);
  if (parsed.ok()) {
    RequireOk(list(parsed->query), "SQLite takes what the filter and the order became");
  } else {
    Require(absl::IsInvalidArgument(parsed.status()), "a bad filter is INVALID_ARGUMENT");
  }
}

void TryBoth(store::Store* store, const std::string& filter, const std::string& order) {
  RequireOk(store->Read([&](store::Connection& db) {
    v1::ListExperimentsRequest experiments;
    experiments.set_filter(filter);
    experiments.set_order_by(order);
    Try(experiments, store::Listed::kExperiments, 1, [&db](const store::ListQuery& query) {
      return store::ListExperiments(db, query, true).status();
    });
    v1::ListRunsRequest runs;
    runs.set_filter(filter);
    runs.set_order_by(order);
    Try(runs, store::Listed::kRuns, 2, [&db](const store::ListQuery& query) {
      return store::ListRuns(db, {.list = query, .view = v1::RUN_VIEW_FULL}).status();
    });
    return absl::OkStatus();
  }),
            "the store is read");
}

}  // namespace
}  // namespace anneal::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto& directory = *new anneal::TempDirectory();
  static anneal::store::Store& store = *anneal::fuzz::MakeStore(directory.path()).release();
  const std::pair<std::string, std::string> lines = absl::StrSplit(
      absl::string_view(reinterpret_cast<const char*>(data), size), absl::MaxSplits('\n', 1));
  anneal::fuzz::TryBoth(&store, lines.first, lines.second);
  return 0;
}
