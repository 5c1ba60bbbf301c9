#include "client/interrupt.h"

#include <signal.h>

#include <cstdlib>
#include <utility>

namespace anneal::client {
namespace {

constexpr int kInterruptedExit = 3;

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
  ::pthread_kill(thread_.native_handle(), SIGTERM);
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
  // Nobody to tell: the command may be waiting for a server that never answers.
  if (!action_) std::_Exit(kInterruptedExit);
  action_();
  changed_.SignalAll();
}

void Interrupt::OnInterrupt(std::function<void()> action) {
  MutexLock lock(&mutex_);
  action_ = std::move(action);
  if (requested_ && action_) action_();
}

bool Interrupt::Sleep(std::chrono::milliseconds time) {
  MutexLock lock(&mutex_);
  if (!requested_) changed_.WaitFor(&mutex_, time);
  return !requested_;
}

}  // namespace anneal::client
