#include "protocols/analysis_thread.h"

#include <utility>

#include "common/check.h"

namespace consilium {

class AnalysisThread::Bridge final : public Federation {
 public:
  explicit Bridge(AnalysisThread& owner) : owner_(owner) {}

  Aggregate Sum(const Query& query) override {
    std::unique_lock lock(owner_.mutex_);
    owner_.step_ = Step(query);
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
  AnalysisThread& owner_;
};

AnalysisThread::AnalysisThread(std::shared_ptr<const Analysis> analysis)
    : analysis_(std::move(analysis)) {}

AnalysisThread::~AnalysisThread() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
  }
  turn_.notify_all();
  if (thread_.joinable()) thread_.join();
}

AnalysisThread::Step AnalysisThread::Start() {
  CHECK(!thread_.joinable());
  callers_turn_ = false;
  thread_ = std::thread([this] {
    Bridge bridge(*this);
    std::optional<Step> end;
    try {
      end = Step(analysis_->Run(bridge));
    } catch (const StudyInterrupted&) {
      return;
    } catch (const std::exception& error) {
      end = Step(Result<AnalysisResult>(
          Fail(ErrorCode::kNotEstimable, std::string("the analysis failed: ") + error.what())));
    }
    const std::lock_guard lock(mutex_);
    step_ = std::move(end);
    callers_turn_ = true;
    turn_.notify_all();
  });
  return Await();
}

AnalysisThread::Step AnalysisThread::Resume(Aggregate aggregate) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(thread_.joinable() && callers_turn_ && !step_.has_value());
    aggregate_ = std::move(aggregate);
    callers_turn_ = false;
  }
  turn_.notify_all();
  return Await();
}

AnalysisThread::Step AnalysisThread::Await() {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return callers_turn_; });
  CHECK(step_.has_value());
  Step step = std::move(*step_);
  step_.reset();
  return step;
}

}  // namespace consilium
