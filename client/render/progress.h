// `ProgressView` shows the progress of runs while they are watched.

#ifndef ANNEAL_CLIENT_RENDER_PROGRESS_H_
#define ANNEAL_CLIENT_RENDER_PROGRESS_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "anneal/v1/resources.pb.h"

namespace anneal::client::render {

// The state of a run, from the events seen so far.
struct RunProgress {
  std::string name;  // short name, such as first/0
  int32_t epochs_total = 0;
  v1::RunState state = v1::RUN_STATE_PENDING;
  v1::Failure failure;
  v1::Epoch last;
  absl::Time last_time;  // recording time, by the daemon's clock
  std::vector<double> validation_losses;
};

// The position of the watched runs in the daemon's queue.
struct QueueProgress {
  int length = 0;                   // runs of all users; 0: too many to count
  int position = 0;                 // of the first watched run, from 1; 0: none is queued
  std::optional<absl::Time> start;  // its estimated start
};

struct Progress {
  std::vector<RunProgress> runs;  // all watched runs, in order
  QueueProgress queue;
};

// Shows progress. Not thread-safe.
class ProgressView {
 public:
  virtual ~ProgressView() = default;
  // Called after `event` was applied to `run`; null for an event of the experiment.
  virtual void OnEvent(const v1::Event& event, const RunProgress* run,
                       const Progress& progress) = 0;
  // Shows a message, such as a lost connection.
  virtual void Note(const std::string& text) = 0;
  // Restores the terminal.
  virtual void End() = 0;

  // Returns true if the view changes without events: it then needs `OnTick` about once a second,
  // and the queue.
  virtual bool is_live() const { return false; }
  virtual void OnTick(const Progress& /*progress*/) {}
};

enum class ProgressKind {
  kAuto,   // live view on a terminal, lines otherwise
  kJson,   // events as JSON lines
  kQuiet,  // nothing
};

// Returns a view that writes to `out`.
std::unique_ptr<ProgressView> MakeProgressView(ProgressKind kind, std::FILE* out);

// Returns one line about a run, without a line break.
std::string ProgressLine(const RunProgress& run);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_PROGRESS_H_
