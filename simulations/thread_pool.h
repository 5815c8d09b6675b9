#pragma once

// Threads that are started once and work side by side round after round.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace consilium {

class ThreadPool {
 public:
  using Work = std::function<void(std::size_t index)>;

  /// `threads`, at least 1, counts the thread that calls Run.
  explicit ThreadPool(std::size_t threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  std::size_t size() const { return threads_.size() + 1; }

  /// Calls work(i) for each i below size(), each on a thread of its own, and returns after the
  /// last. `work` does not throw. One call at a time.
  void Run(const Work& work);

 private:
  void Serve(std::size_t index);

  std::mutex mutex_;
  std::condition_variable begin_;
  std::condition_variable end_;
  const Work* work_ = nullptr;
  std::uint64_t runs_ = 0;  ///< A thread works when this is not the number that it last saw.
  std::size_t working_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace consilium
