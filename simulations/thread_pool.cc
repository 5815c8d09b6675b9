#include "simulations/thread_pool.h"

#include "common/check.h"

namespace consilium {

ThreadPool::ThreadPool(std::size_t threads) {
  CHECK(threads >= 1);
  threads_.reserve(threads - 1);
  for (std::size_t i = 1; i < threads; ++i) {
    threads_.emplace_back([this, i] { Serve(i); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  begin_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Run(const Work& work) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(working_ == 0);
    work_ = &work;
    working_ = threads_.size();
    ++runs_;
  }
  begin_.notify_all();
  work(0);
  std::unique_lock lock(mutex_);
  end_.wait(lock, [this] { return working_ == 0; });
}

void ThreadPool::Serve(std::size_t index) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    begin_.wait(lock, [&] { return stopped_ || runs_ != seen; });
    if (stopped_) return;
    seen = runs_;
    const Work& work = *work_;
    lock.unlock();
    work(index);
    lock.lock();
    if (--working_ == 0) end_.notify_one();
  }
}

}  // namespace consilium
