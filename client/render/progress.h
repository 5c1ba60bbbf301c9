// `ProgressView` shows the progress of runs while they are watched.

#ifndef ANNEAL_CLIENT_RENDER_PROGRESS_H_
#define ANNEAL_CLIENT_RENDER_PROGRESS_H_

#include <cstdio>
#include <memory>
#include <string>

#include "anneal/v1/resources.pb.h"
#include "client/render/run_progress.h"

namespace anneal::client::render {

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
