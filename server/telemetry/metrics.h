// `Metrics` holds the daemon's counters and histograms, and `MetricsEndpoint` serves them to
// Prometheus. deploy/prometheus has a scrape config, alerts and a dashboard for these metrics.

#ifndef ANNEAL_SERVER_TELEMETRY_METRICS_H_
#define ANNEAL_SERVER_TELEMETRY_METRICS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace anneal::telemetry {

// Counters and histograms of a daemon process. Thread-safe; an increment takes at most about 2 us.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // Counts a finished RPC: its `package.Service/Method`, the name of its status code, and its
  // duration.
  void CountCall(const std::string& method, const std::string& code, double seconds);
  // Counts a transaction that took `seconds` from BEGIN to the end of COMMIT. `ok`: it committed.
  void CountCommit(double seconds, bool ok);
  // Counts a recorded epoch and the number of images it trained on.
  void CountEpoch(double samples);

 private:
  friend class MetricsEndpoint;
  struct Families;
  const std::unique_ptr<Families> families_;
};

// A metric that is read at each scrape.
struct Reading {
  std::string name;
  std::string help;
  double value = 0;
  std::map<std::string, std::string> labels;
  bool is_counter = false;
};

// Returns memory, file descriptors and CPU time of this process, read from /proc.
std::vector<Reading> ReadProcess();

// An HTTP server that answers GET /metrics, without authentication. The destructor stops accepting
// connections and waits for the scrape in progress.
class MetricsEndpoint {
 public:
  // Listens on `address`, HOST:PORT; port 0 selects a free one. Each scrape calls `read` on a
  // thread of the endpoint; it may block. Idle connections are closed after 10 s. `metrics` must
  // outlive the endpoint. INVALID_ARGUMENT if `address` is not HOST:PORT; FAILED_PRECONDITION if it
  // cannot be bound.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address, const Metrics& metrics,
      std::function<std::vector<Reading>()> read);
  ~MetricsEndpoint();

  // The address with the actual port.
  const std::string& address() const { return address_; }

 private:
  struct Server;
  MetricsEndpoint(std::string address, std::unique_ptr<Server> server);

  const std::string address_;
  const std::unique_ptr<Server> server_;
};

}  // namespace anneal::telemetry

#endif  // ANNEAL_SERVER_TELEMETRY_METRICS_H_
