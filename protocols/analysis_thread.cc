#include "protocols/analysis_thread.h"

#include <exception>
#include <string>
#include <utility>

#include "common/check.h"

namespace consilium {

AnalysisThread::AnalysisThread(std::shared_ptr<const Analysis> analysis)
    : analysis_(std::move(analysis)), thread_([this](Federation& federation) {
        try {
          end_ = analysis_->Run(federation);
        } catch (const std::exception& error) {
          end_ =
              Fail(ErrorCode::kNotEstimable, std::string("the analysis failed: ") + error.what());
        }
      }) {}

AnalysisThread::Step AnalysisThread::Start() { return StepOf(thread_.Start()); }

AnalysisThread::Step AnalysisThread::Resume(Aggregate aggregate) {
  return StepOf(thread_.Resume(std::move(aggregate)));
}

AnalysisThread::Step AnalysisThread::StepOf(std::optional<Query> query) {
  if (query) return *std::move(query);
  CHECK(end_.has_value());
  return *std::move(end_);
}

}  // namespace consilium
