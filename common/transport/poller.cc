#include "common/transport/poller.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <zmq.hpp>

#include "common/transport/zmq_support.h"

namespace consilium {
namespace {

tl::unexpected<Error> FailInSystem(const char* call) {
  return Fail(ErrorCode::kIo,
              std::string(call) + " failed: " + std::generic_category().message(errno));
}

}  // namespace

Waker::Waker(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

Result<Waker> Waker::Create() {
  FileDescriptor descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor.valid()) return FailInSystem("eventfd");
  return Waker(std::move(descriptor));
}

void Waker::Wake() const noexcept {
  const int saved = errno;
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the descriptor is readable already.
  [[maybe_unused]] const ssize_t written = ::write(descriptor_.get(), &one, sizeof one);
  errno = saved;
}

bool Waker::Clear() noexcept {
  std::uint64_t count = 0;
  return ::read(descriptor_.get(), &count, sizeof count) == sizeof count;
}

void Waker::AppendWaits(std::vector<PollWait>& to) const {
  to.push_back(PollWait{.descriptor = descriptor_.get()});
}

StopSignals::StopSignals(FileDescriptor descriptor) : descriptor_(std::move(descriptor)) {}

Result<StopSignals> StopSignals::Install() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (::pthread_sigmask(SIG_BLOCK, &signals, nullptr) != 0) return FailInSystem("pthread_sigmask");
  FileDescriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor.valid()) return FailInSystem("signalfd");
  return StopSignals(std::move(descriptor));
}

bool StopSignals::Requested() {
  signalfd_siginfo info{};
  while (::read(descriptor_.get(), &info, sizeof info) == sizeof info) requested_ = true;
  return requested_;
}

void StopSignals::AppendWaits(std::vector<PollWait>& to) const {
  to.push_back(PollWait{.descriptor = descriptor_.get()});
}

Result<bool> Poller::Wait(std::optional<Duration> timeout) {
  waits_.clear();
  for (const Pollable* thing : things_) thing->AppendWaits(waits_);
  std::vector<zmq_pollitem_t> items;
  items.reserve(waits_.size());
  for (const PollWait& wait : waits_) {
    const int events = (wait.readable ? ZMQ_POLLIN : 0) | (wait.writable ? ZMQ_POLLOUT : 0);
    items.push_back(zmq_pollitem_t{wait.socket, wait.descriptor, static_cast<short>(events), 0});
  }
  const long milliseconds = timeout ? std::max<long>(0, timeout->count()) : -1;
  const int ready = zmq_poll(items.data(), static_cast<int>(items.size()), milliseconds);
  if (ready >= 0) return ready > 0;
  if (zmq_errno() == EINTR) return false;
  return FailInTransport("wait for messages", zmq::error_t());
}

}  // namespace consilium
