#pragma once

// Computes a site's answers on a thread of its own, so that the connection stays alive meanwhile:
// the local data through the contract, the policy's last word, then the analysis's pure function.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "client/ingestion/study_data.h"
#include "client/policy/policy.h"
#include "client/site_study.h"
#include "common/transport/poller.h"
#include "protocols/effects.h"
#include "protocols/plan.h"

namespace consilium {

struct FinishedAnswer {
  ComputeAnswer request;
  Result<ComputedAnswer> answer;
  std::string trainer_words;  ///< The last that a trainer which failed wrote to stderr.
};

class Answerer {
 public:
  /// `home` is the folder of the site of this name; `waker`, which outlives this, is woken when an
  /// answer is ready.
  Answerer(std::filesystem::path home,
           std::string site,
           SecretKey32 patient_key,
           const Waker& waker);
  ~Answerer();
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  /// `excluded`: the patients that take no part, as the site's codes.
  void Compute(ComputeAnswer request, Plan plan, PatientCodes excluded);
  std::optional<FinishedAnswer> Take();

 private:
  struct Task {
    ComputeAnswer request;
    Plan plan;
    PatientCodes excluded;
  };
  /// A cohort as long as the files it came from, and the list of excluded patients, have not
  /// changed.
  struct Cached {
    std::string state_of_files;
    PatientCodes excluded;
    SiteCohort cohort;
  };

  void Work();
  Result<ComputedAnswer> AnswerOf(const Task& task, std::string& trainer_words);
  /// The plan's analysis, with the site's program where it learns by one.
  Result<std::shared_ptr<const Analysis>> AnalysisOf(const Plan& plan,
                                                     const Policy& policy,
                                                     std::string& trainer_words);
  Result<const SiteCohort*> CohortFor(const Plan& plan, const PatientCodes& excluded);

  std::filesystem::path home_;
  std::string site_;
  SecretKey32 patient_key_;
  const Waker& waker_;
  std::map<StudyId, Cached> cohorts_;  ///< The worker's own.
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::atomic<bool> ends_trainers_ = false;
  std::deque<Task> tasks_;
  std::deque<FinishedAnswer> finished_;
  std::thread thread_;
};

}  // namespace consilium
