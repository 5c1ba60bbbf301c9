// What operators measure, for Prometheus. deploy/prometheus has a scrape config, alerts and a
// dashboard of these names.

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

// What adds up while the daemon runs. Thread-safe; a count costs less than a microsecond or two.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A call that has ended: `package.Service/Method`, the code's name, and how long it took.
  void CountCall(const std::string& method, const std::string& code, double seconds);
  // A transaction, from its BEGIN to the end of its COMMIT.
  void CountCommit(double seconds, bool ok);
  // An epoch that was recorded, and how many images it trained on.
  void CountEpoch(double samples);

 private:
  friend class MetricsEndpoint;
  struct Families;
  const std::unique_ptr<Families> families_;
};

// A value at this moment.
struct Reading {
  std::string name;
  std::string help;
  double value = 0;
  std::map<std::string, std::string> labels;
  bool is_counter = false;
};

// Of this process: memory, descriptors, processor time.
std::vector<Reading> ReadProcess();

// Answers GET /metrics, to whoever reaches the address.
class MetricsEndpoint {
 public:
  // `address` is HOST:PORT, of which port 0 takes a free one. `read` is called for each scrape, on
  // a thread of the endpoint's, and may block. Whoever has not finished in 10 s is cut off.
  // `metrics` outlives it. INVALID_ARGUMENT: no HOST:PORT. FAILED_PRECONDITION: it cannot be
  // listened at.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(
      const std::string& address, const Metrics& metrics,
      std::function<std::vector<Reading>()> read);
  ~MetricsEndpoint();

  // With the port that was chosen.
  const std::string& address() const { return address_; }

 private:
  struct Server;
  MetricsEndpoint(std::string address, std::unique_ptr<Server> server);

  const std::string address_;
  const std::unique_ptr<Server> server_;
};

}  // namespace anneal::telemetry

#endif  // ANNEAL_SERVER_TELEMETRY_METRICS_H_
