#include "server/telemetry/metrics.h"

#include <dirent.h>
#include <microhttpd.h>
#include <netdb.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/status.h"

namespace anneal::telemetry {
namespace {

// Limits on connections; an idle one is closed after the timeout.
constexpr unsigned int kMaxConnections = 64;
constexpr unsigned int kConnectionSeconds = 10;

// Bucket boundaries of durations, 100 us to 10 s.
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03,
                                                          0.1,    0.3,    1,     3,     10};

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double OpenDescriptors() {
  DIR* directory = ::opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  int count = -3;  // ".", ".." and the descriptor of `directory`
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

// Groups readings into metric families. Readings of one name must be adjacent.
std::vector<prometheus::MetricFamily> FamiliesOf(std::vector<Reading> readings) {
  std::vector<prometheus::MetricFamily> families;
  for (Reading& reading : readings) {
    if (families.empty() || families.back().name != reading.name) {
      families.push_back({.name = std::move(reading.name),
                          .help = std::move(reading.help),
                          .type = reading.is_counter ? prometheus::MetricType::Counter
                                                     : prometheus::MetricType::Gauge,
                          .metric = {}});
    }
    prometheus::ClientMetric& metric = families.back().metric.emplace_back();
    for (auto& [name, value] : reading.labels) metric.label.push_back({name, value});
    (reading.is_counter ? metric.counter.value : metric.gauge.value) = reading.value;
  }
  return families;
}

}  // namespace

struct Metrics::Families {
  const std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  prometheus::Family<prometheus::Counter>& calls =
      prometheus::BuildCounter()
          .Name("anneald_rpcs_total")
          .Help("Finished RPCs, by method and status code.")
          .Register(*registry);
  prometheus::Family<prometheus::Histogram>& call_seconds =
      prometheus::BuildHistogram()
          .Name("anneald_rpc_seconds")
          .Help("Duration of RPCs; of a stream, its lifetime.")
          .Register(*registry);
  prometheus::Histogram& commit_seconds =
      prometheus::BuildHistogram()
          .Name("anneald_commit_seconds")
          .Help("Duration of transactions, BEGIN to COMMIT; each may serve many RPCs.")
          .Register(*registry)
          .Add({}, kSeconds);
  prometheus::Counter& failed_commits = prometheus::BuildCounter()
                                            .Name("anneald_commit_failures_total")
                                            .Help("Transactions that failed to commit.")
                                            .Register(*registry)
                                            .Add({});
  prometheus::Counter& epochs = prometheus::BuildCounter()
                                    .Name("anneald_epochs_total")
                                    .Help("Epochs trained and recorded.")
                                    .Register(*registry)
                                    .Add({});
  prometheus::Counter& samples = prometheus::BuildCounter()
                                     .Name("anneald_samples_total")
                                     .Help("Images trained on in recorded epochs.")
                                     .Register(*registry)
                                     .Add({});
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::CountCall(const std::string& method, const std::string& code, double seconds) {
  families_->calls.Add({{"method", method}, {"code", code}}).Increment();
  families_->call_seconds.Add({{"method", method}}, kSeconds).Observe(seconds);
}

void Metrics::CountCommit(double seconds, bool ok) {
  families_->commit_seconds.Observe(seconds);
  if (!ok) families_->failed_commits.Increment();
}

void Metrics::CountEpoch(double samples) {
  families_->epochs.Increment();
  families_->samples.Increment(samples);
}

std::vector<Reading> ReadProcess() {
  std::ifstream statm("/proc/self/statm");
  int64_t size = 0;
  int64_t resident = 0;
  statm >> size >> resident;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  return {
      {.name = "process_resident_memory_bytes",
       .help = "Resident memory.",
       .value = static_cast<double>(resident * ::sysconf(_SC_PAGESIZE))},
      {.name = "process_cpu_seconds_total",
       .help = "User and system CPU time of all threads.",
       .value = SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime),
       .is_counter = true},
      {.name = "process_open_fds", .help = "Open file descriptors.", .value = OpenDescriptors()},
      {.name = "process_max_fds",
       .help = "Limit on open file descriptors.",
       .value = static_cast<double>(descriptors.rlim_cur)},
  };
}

struct MetricsEndpoint::Server {
  ~Server() {
    if (http != nullptr) ::MHD_stop_daemon(http);
  }

  std::string Text() const {
    std::vector<prometheus::MetricFamily> families = registry->Collect();
    std::vector<prometheus::MetricFamily> readings = FamiliesOf(read());
    families.insert(families.end(), std::make_move_iterator(readings.begin()),
                    std::make_move_iterator(readings.end()));
    return prometheus::TextSerializer().Serialize(families);
  }

  // libmicrohttpd's request handler; `self` is the Server.
  static MHD_Result Handle(void* self, MHD_Connection* connection, const char* url,
                           const char* method, const char* /*version*/, const char* /*upload*/,
                           size_t* upload_size, void** state) {
    static char seen;
    if (std::exchange(*state, &seen) != &seen)
      return MHD_YES;  // the first call has the headers only
    if (*upload_size != 0) return MHD_NO;
    if (absl::string_view(method) != MHD_HTTP_METHOD_GET) {
      return Send(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "use GET\n");
    }
    if (absl::string_view(url) != "/metrics") {
      return Send(connection, MHD_HTTP_NOT_FOUND, "not found; use /metrics\n");
    }
    return Send(connection, MHD_HTTP_OK, static_cast<const Server*>(self)->Text());
  }

  static MHD_Result Send(MHD_Connection* connection, unsigned int code, std::string text) {
    MHD_Response* response =
        ::MHD_create_response_from_buffer(text.size(), text.data(), MHD_RESPMEM_MUST_COPY);
    if (response == nullptr) return MHD_NO;
    ::MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                              "text/plain; version=0.0.4; charset=utf-8");
    const MHD_Result queued = ::MHD_queue_response(connection, code, response);
    ::MHD_destroy_response(response);
    return queued;
  }

  std::shared_ptr<prometheus::Registry> registry;
  std::function<std::vector<Reading>()> read;
  MHD_Daemon* http = nullptr;
};

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address, const Metrics& metrics,
    std::function<std::vector<Reading>()> read) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    return InvalidField("--metrics-listen", absl::StrCat("is ", address, "; expected HOST:PORT"));
  }
  const std::string host = address.substr(0, colon);
  const std::string bare = host.front() == '[' ? host.substr(1, host.size() - 2) : host;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(bare.c_str(), address.c_str() + colon + 1, &hints, &found);
  if (error != 0) {
    return InvalidField("--metrics-listen",
                        absl::StrCat("is ", address, ": ", ::gai_strerror(error)));
  }
  const absl::Cleanup free_addresses = [found] { ::freeaddrinfo(found); };
  auto server = std::make_unique<Server>();
  server->registry = metrics.families_->registry;
  server->read = std::move(read);
  unsigned int flags = MHD_USE_INTERNAL_POLLING_THREAD;
  if (found->ai_family == AF_INET6) flags |= MHD_USE_IPv6;
  errno = 0;
  server->http = ::MHD_start_daemon(
      flags, /*port=*/0, nullptr, nullptr, &Server::Handle, server.get(), MHD_OPTION_SOCK_ADDR,
      found->ai_addr, MHD_OPTION_CONNECTION_LIMIT, kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT,
      kConnectionSeconds, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
  const MHD_DaemonInfo* info = server->http == nullptr
                                   ? nullptr
                                   : ::MHD_get_daemon_info(server->http, MHD_DAEMON_INFO_BIND_PORT);
  if (info == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot listen on --metrics-listen ", address, ": ", std::strerror(errno),
                     "; choose another port, or an address of this host"));
  }
  std::string chosen = absl::StrCat(host, ":", info->port);
  return std::unique_ptr<MetricsEndpoint>(
      new MetricsEndpoint(std::move(chosen), std::move(server)));
}

MetricsEndpoint::MetricsEndpoint(std::string address, std::unique_ptr<Server> server)
    : address_(std::move(address)), server_(std::move(server)) {}
MetricsEndpoint::~MetricsEndpoint() = default;

}  // namespace anneal::telemetry
