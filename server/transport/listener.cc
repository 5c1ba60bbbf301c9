#include "server/transport/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status.h"

namespace anneal::transport {
namespace {

constexpr absl::string_view kUnixPrefix = "unix:";
// Interval of attempts to accept while no descriptor is left.
constexpr int kRetryMilliseconds = 100;
// TCP closes a connection whose peer has not acknowledged data for this long.
constexpr int kUnacknowledgedMilliseconds = 20'000;

absl::Status CannotListen(absl::string_view address, int error_number) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot listen on ", address, ": ", std::strerror(error_number),
                   "; is another anneald running? Choose another --listen"));
}

// Returns whether a process accepts connections at the socket.
bool IsServed(absl::string_view path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  path.copy(address.sun_path, path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool served =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  ::close(descriptor);
  return served;
}

// Returns whether a connection to a Unix socket comes from this user or root; true for TCP. The
// mode of the socket file already keeps other users out, unless it was changed.
bool IsOurs(int connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(connection, reinterpret_cast<sockaddr*>(&address), &size) != 0) return false;
  if (address.ss_family != AF_UNIX) return true;
  ucred peer{};
  size = sizeof(peer);
  return ::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == ::geteuid() || peer.uid == 0);
}

// Returns a listening socket, or -1 with errno set.
int ListenOn(int family, const sockaddr* address, socklen_t size) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return -1;
  const int on = 1;
  if (family != AF_UNIX) {
    // SO_REUSEADDR binds a port whose previous connections are in TIME_WAIT. Accepted connections
    // inherit the others.
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledgedMilliseconds,
                 sizeof(kUnacknowledgedMilliseconds));
  }
  if (family == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  if (::bind(socket, address, size) == 0 && ::listen(socket, SOMAXCONN) == 0) return socket;
  const int error = errno;
  ::close(socket);
  errno = error;
  return -1;
}

in_port_t* PortIn(sockaddr* address) {
  return address->sa_family == AF_INET6 ? &reinterpret_cast<sockaddr_in6*>(address)->sin6_port
                                        : &reinterpret_cast<sockaddr_in*>(address)->sin_port;
}

void SetPort(sockaddr* address, int port) { *PortIn(address) = htons(static_cast<uint16_t>(port)); }

int PortOf(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(*PortIn(reinterpret_cast<sockaddr*>(&address)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Listener>> Listener::Listen(
    const std::vector<std::string>& addresses, Admission admission) {
  std::unique_ptr<Listener> listener(new Listener(std::move(admission)));
  for (const std::string& address : addresses) {
    ANNEAL_RETURN_IF_ERROR(listener->ListenAt(address));
  }
  return listener;
}

Listener::Listener(Admission admission)
    : admission_(std::move(admission)), stop_(::eventfd(0, EFD_CLOEXEC)) {}

Listener::~Listener() {
  Stop();
  ::close(stop_);
}

void Listener::Stop() {
  ::eventfd_write(stop_, 1);
  if (thread_.joinable()) thread_.join();
  for (const std::string& path : paths_) ::unlink(path.c_str());
  for (const int socket : sockets_) ::close(socket);
  paths_.clear();
  sockets_.clear();
}

absl::Status Listener::ListenAt(const std::string& address) {
  if (absl::string_view path = address; absl::ConsumePrefix(&path, kUnixPrefix)) {
    addresses_.push_back(address);
    return ListenAtPath(std::string(path));
  }
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return InvalidField("--listen", absl::StrCat("is ", address, "; a port is 0..65535"));
  }
  ANNEAL_RETURN_IF_ERROR(ListenAtHost(host, &port));
  addresses_.push_back(absl::StrCat(host, ":", port));
  return absl::OkStatus();
}

absl::Status Listener::ListenAtHost(const std::string& host, int* port) {
  absl::string_view name = host;
  if (absl::ConsumePrefix(&name, "[")) absl::ConsumeSuffix(&name, "]");
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(std::string(name).c_str(), nullptr, &wanted, &found) != 0) {
    return CannotListen(host, EADDRNOTAVAIL);
  }
  const absl::Cleanup release = [found] { ::freeaddrinfo(found); };
  // A name may have addresses of both families, and the machine may support only one.
  int error = EADDRNOTAVAIL;
  bool listens = false;
  for (addrinfo* one = found; one != nullptr; one = one->ai_next) {
    SetPort(one->ai_addr, *port);  // all at the port of the first one
    const int socket = ListenOn(one->ai_family, one->ai_addr, one->ai_addrlen);
    if (socket < 0) error = errno;
    if (socket < 0 && error == EADDRINUSE) break;
    if (socket < 0) continue;
    sockets_.push_back(socket);
    *port = PortOf(socket);
    listens = true;
  }
  if (listens && error != EADDRINUSE) return absl::OkStatus();
  return CannotListen(absl::StrCat(host, ":", *port), error);
}

absl::Status Listener::ListenAtPath(const std::string& path) {
  if (IsServed(path)) return CannotListen(path, EADDRINUSE);
  struct stat info {};
  // A daemon that was killed leaves its socket file.
  if (::stat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) ::unlink(path.c_str());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int socket =
      ListenOn(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (socket < 0) return CannotListen(path, errno);
  sockets_.push_back(socket);
  paths_.push_back(path);
  // Until here the umask set in main.cc restricts the mode.
  ::chmod(path.c_str(), 0600);
  return absl::OkStatus();
}

void Listener::Begin(std::unique_ptr<Acceptor> acceptor) {
  acceptor_ = std::move(acceptor);
  thread_ = std::thread([this] { Loop(); });
}

void Listener::WaitForStop(int timeout) const {
  pollfd stop = {stop_, POLLIN, 0};
  (void)::poll(&stop, 1, timeout);
}

void Listener::Loop() {
  std::vector<pollfd> watched = {{stop_, POLLIN, 0}};
  for (const int socket : sockets_) watched.push_back({socket, POLLIN, 0});
  while (true) {
    if (::poll(watched.data(), watched.size(), -1) < 0) continue;
    if (watched[0].revents != 0) return;
    for (const pollfd& one : watched) {
      if (one.revents != 0) AcceptFrom(one.fd);
    }
  }
}

void Listener::AcceptFrom(int socket) {
  const int connection = ::accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (connection < 0) {
    // All other errors concern this connection only, such as a client that has disconnected.
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return;
    if (!std::exchange(has_warned_, true)) {
      spdlog::warn(absl::StrCat("cannot accept connections: ", std::strerror(errno), "; retrying"));
    }
    WaitForStop(kRetryMilliseconds);
    return;
  }
  has_warned_ = false;
  if (!IsOurs(connection)) {
    spdlog::warn("rejected a connection of another user to the socket");
    ::close(connection);
    return;
  }
  if (admission_ != nullptr && !admission_(connection)) {
    ::close(connection);
    return;
  }
  Acceptor::NewConnectionParameters parameters;
  parameters.listener_fd = socket;
  parameters.fd = connection;
  acceptor_->HandleNewConnection(&parameters);
}

}  // namespace anneal::transport
