#include "client/interrupt.h"

#include <signal.h>

#include <cstdlib>
#include <utility>

namespace anneal::client {
namespace {

constexpr int kInterruptedExit = 3;
constexpr std::chrono::milliseconds kPatience(500);

sigset_t StopSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { Wait(); });
}

Interrupt::~Interrupt() {
  closing_ = true;
  // The thread waits for this signal, which is blocked.
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  thread_.join();
  const sigset_t signals = StopSignals();
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void Interrupt::Wait() {
  const sigset_t signals = StopSignals();
  int signal = 0;
  ::sigwait(&signals, &signal);
  if (closing_) return;
  requested_ = true;
  MutexLock lock(&mutex_);
  // Gives a command that has just started time to set its action; one that waits for an
  // unresponsive server never will.
  if (!action_) changed_.WaitFor(&mutex_, kPatience);
  if (!action_ && !closing_) std::_Exit(kInterruptedExit);
  if (action_) action_();
  changed_.SignalAll();
}

void Interrupt::OnInterrupt(std::function<void()> action) {
  MutexLock lock(&mutex_);
  action_ = std::move(action);
  changed_.SignalAll();
  if (requested_ && action_) action_();
}

bool Interrupt::Sleep(std::chrono::milliseconds time) {
  MutexLock lock(&mutex_);
  if (!requested_) changed_.WaitFor(&mutex_, time);
  return !requested_;
}

}  // namespace anneal::client
