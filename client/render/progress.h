// The progress of an experiment's runs while they are watched.

#ifndef ANNEAL_CLIENT_RENDER_PROGRESS_H_
#define ANNEAL_CLIENT_RENDER_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "anneal/v1/resources.pb.h"

namespace anneal::render {

// What has been seen of a run.
struct RunProgress {
  std::string name;  // as people type it
  int32_t epochs_total = 0;
  v1::RunState state = v1::RUN_STATE_PENDING;
  v1::Failure failure;
  v1::Epoch last;
};

// Not thread-safe.
class Progress {
 public:
  virtual ~Progress() = default;
  // After `run` took in `event`; null if it is about the experiment. `runs` are all, in order.
  virtual void OnEvent(const v1::Event& event, const RunProgress* run,
                       const std::vector<RunProgress>& runs) = 0;
  // A line to the reader, such as that the connection was lost.
  virtual void Note(const std::string& text) = 0;
  // Leaves the terminal as it should be.
  virtual void End(const std::vector<RunProgress>& runs) = 0;
};

enum class ProgressKind {
  kAuto,   // live on a terminal, lines elsewhere
  kJson,   // events as JSON, one a line
  kQuiet,  // nothing
};

// Writes to `out`.
std::unique_ptr<Progress> MakeProgress(ProgressKind kind, std::FILE* out);

// One line about a run, without line end. Leaves out the bar and the speed where fewer columns are
// there than it takes.
std::string ProgressLine(const RunProgress& run, size_t width = 200);

}  // namespace anneal::render

#endif  // ANNEAL_CLIENT_RENDER_PROGRESS_H_
