// The progress of an experiment's runs while they are watched.

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

// What has been seen of a run.
struct RunProgress {
  std::string name;  // as people type it
  int32_t epochs_total = 0;
  v1::RunState state = v1::RUN_STATE_PENDING;
  v1::Failure failure;
  v1::Epoch last;
  absl::Time last_time;  // when it was recorded, by the daemon's clock
  std::vector<double> validation_losses;
};

// Where those that wait stand in the daemon's queue.
struct QueueProgress {
  int length = 0;                   // runs of everybody; 0: too many to count
  int position = 0;                 // of the first one watched, from 1; 0: none waits
  std::optional<absl::Time> start;  // about when it starts
};

struct Progress {
  std::vector<RunProgress> runs;  // all that are watched, in order
  QueueProgress queue;
};

// Shows progress. Not thread-safe.
class ProgressView {
 public:
  virtual ~ProgressView() = default;
  // After `run` took in `event`; null if it is about the experiment.
  virtual void OnEvent(const v1::Event& event, const RunProgress* run,
                       const Progress& progress) = 0;
  // A line to the reader, such as that the connection was lost.
  virtual void Note(const std::string& text) = 0;
  // Leaves the terminal as it should be.
  virtual void End() = 0;

  // Whether it moves while nothing happens: then it wants `OnTick` about every second, and the
  // queue.
  virtual bool is_live() const { return false; }
  virtual void OnTick(const Progress& /*progress*/) {}
};

enum class ProgressKind {
  kAuto,   // live on a terminal, lines elsewhere
  kJson,   // events as JSON, one a line
  kQuiet,  // nothing
};

// Writes to `out`.
std::unique_ptr<ProgressView> MakeProgressView(ProgressKind kind, std::FILE* out);

// One line about a run, without line end.
std::string ProgressLine(const RunProgress& run);

}  // namespace anneal::client::render

#endif  // ANNEAL_CLIENT_RENDER_PROGRESS_H_
