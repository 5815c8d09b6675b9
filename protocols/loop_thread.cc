#include "protocols/loop_thread.h"

#include <utility>

#include "common/check.h"

namespace consilium {

class LoopThread::Bridge final : public Federation {
 public:
  explicit Bridge(LoopThread& owner) : owner_(owner) {}

  Aggregate Sum(const Query& query) override {
    std::unique_lock lock(owner_.mutex_);
    owner_.query_ = query;
    owner_.callers_turn_ = true;
    owner_.turn_.notify_all();
    owner_.turn_.wait(lock, [&] { return !owner_.callers_turn_ || owner_.interrupted_; });
    if (owner_.interrupted_) throw StudyInterrupted();
    CHECK(owner_.aggregate_.has_value());
    Aggregate aggregate = std::move(*owner_.aggregate_);
    owner_.aggregate_.reset();
    return aggregate;
  }

 private:
  LoopThread& owner_;
};

LoopThread::LoopThread(Loop loop) : loop_(std::move(loop)) {}

LoopThread::~LoopThread() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  turn_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LoopThread::Run() {
  Bridge bridge(*this);
  std::exception_ptr thrown;
  try {
    loop_(bridge);
  } catch (...) {
    thrown = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  thrown_ = std::move(thrown);
  ended_ = true;
  callers_turn_ = true;
  turn_.notify_all();
}

std::optional<Query> LoopThread::Start() {
  CHECK(!thread_.joinable());
  callers_turn_ = false;
  thread_ = std::thread([this] { Run(); });
  return Await();
}

std::optional<Query> LoopThread::Resume(Aggregate aggregate) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(thread_.joinable() && callers_turn_ && !ended_ && !query_.has_value());
    aggregate_ = std::move(aggregate);
    callers_turn_ = false;
  }
  turn_.notify_all();
  return Await();
}

std::optional<Query> LoopThread::Await() {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return callers_turn_; });
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  CHECK(ended_ || query_.has_value());
  return std::exchange(query_, std::nullopt);
}

}  // namespace consilium
