#pragma once

#include <csignal>
#include <thread>
#include <utility>

#include <pthread.h>

namespace consilium {

/// A thread that takes no signals, so that they reach the thread that expects them.
template <class Function>
std::thread StartWithoutSignals(Function&& function) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::forward<Function>(function));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace consilium
