#include "client/program/answerer.h"

#include <string>
#include <system_error>
#include <utility>

#include "client/policy/program_trainer.h"
#include "client/program/home.h"
#include "common/files.h"
#include "common/runtime_clock.h"

namespace consilium {
namespace {

/// Changes when the file is written or replaced.
std::string StateOf(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  const auto written = std::filesystem::last_write_time(file, error);
  return file.string() + ":" + std::to_string(size) + ":" +
         std::to_string(written.time_since_epoch().count()) + ";";
}

/// Of all files of the data.
std::string StateOf(const Source& source) {
  std::string state;
  for (const std::filesystem::path& file : source.Files()) state += StateOf(file);
  return state;
}

/// Private to this user: trainers' working folders and last answers. What a crash left is removed.
Result<std::filesystem::path> TrainersFolder(const std::filesystem::path& home) {
  const std::filesystem::path folder = home / "trainers";
  std::error_code error;
  if (!std::filesystem::exists(folder, error)) TRY_STATUS(CreatePrivateFolder(folder));
  TRY_STATUS(CheckPrivate(folder));
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_directory(ignored)) std::filesystem::remove_all(entry->path(), ignored);
  }
  return folder;
}

}  // namespace

Answerer::Answerer(std::filesystem::path home,
                   std::string site,
                   SecretKey32 patient_key,
                   const Waker& waker)
    : home_(std::move(home)),
      site_(std::move(site)),
      patient_key_(std::move(patient_key)),
      waker_(waker),
      thread_([this] { Work(); }) {}

Answerer::~Answerer() {
  ends_trainers_ = true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Answerer::Compute(ComputeAnswer request, Plan plan, PatientCodes excluded) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(Task{std::move(request), std::move(plan), std::move(excluded)});
  }
  changed_.notify_all();
}

std::optional<FinishedAnswer> Answerer::Take() {
  const std::lock_guard lock(mutex_);
  if (finished_.empty()) return std::nullopt;
  FinishedAnswer finished = std::move(finished_.front());
  finished_.pop_front();
  return finished;
}

void Answerer::Work() {
  while (true) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    std::string trainer_words;
    Result<ComputedAnswer> answer = AnswerOf(task, trainer_words);
    lock.lock();
    finished_.push_back(FinishedAnswer{task.request, std::move(answer), std::move(trainer_words)});
    lock.unlock();
    waker_.Wake();
  }
}

Result<const SiteCohort*> Answerer::CohortFor(const Plan& plan, const PatientCodes& excluded) {
  TRY(const std::filesystem::path source_file, SourceOf(home_));
  TRY(const Source source, ReadSource(source_file));
  const std::string state = StateOf(source_file) + StateOf(source);
  const auto known = cohorts_.find(plan.id);
  if (known != cohorts_.end() && known->second.state_of_files == state &&
      known->second.excluded == excluded) {
    return &known->second.cohort;
  }
  const PatientRegister patients{patient_key_.Clone(), excluded};
  TRY(SiteCohort cohort, LoadCohort(source, plan, patients));
  // Written to while it was read: what was read may be half of it.
  if (StateOf(source_file) + StateOf(source) != state) {
    return Fail(ErrorCode::kDataQuality,
                "the data file " + source.DataName() + " changed while it was read",
                "Replace it in one step (write beside it, then rename).");
  }
  cohort.cohort.site = site_;
  Cached& cached = cohorts_[plan.id];
  cached = Cached{state, excluded, std::move(cohort)};
  return &cached.cohort;
}

Result<std::shared_ptr<const Analysis>> Answerer::AnalysisOf(const Plan& plan,
                                                             const Policy& policy,
                                                             std::string& trainer_words) {
  const auto named = policy.trainers.find(plan.analysis->trainer());
  if (plan.analysis->trainer().empty() || named == policy.trainers.end()) return plan.analysis;
  TRY_STATUS(CheckTrustedTrainer(named->second));
  TRY(const std::filesystem::path folder, TrainersFolder(home_));
  const auto tell = [&trainer_words](Error error, const std::string& words) {
    trainer_words = words;
    if (!words.empty()) error.remedy += " The last that it wrote to stderr is in this site's log.";
    return error;
  };
  auto program = std::make_shared<const ProgramTrainer>(named->first, named->second, folder,
                                                        ends_trainers_, tell);
  return plan.analysis->WithTrainer(std::make_shared<const SteadyTrainer>(
      std::move(program), folder / (plan.id.ToHex() + ".reply")));
}

Result<ComputedAnswer> Answerer::AnswerOf(const Task& task, std::string& trainer_words) {
  TRY(const SiteCohort* const cohort, CohortFor(task.plan, task.excluded));
  TRY(const Policy policy, LoadPolicy(home_ / "policy.toml"));
  TRY_STATUS(CheckPlan(policy, task.plan, ReadClocks().utc));
  TRY_STATUS(CheckCohort(policy, task.plan, *cohort));
  TRY(const std::shared_ptr<const Analysis> analysis, AnalysisOf(task.plan, policy, trainer_words));
  TRY(StatefulAnswer answer,
      analysis->Answer(task.request.query, cohort->cohort, task.request.state));
  return ComputedAnswer{std::move(answer.contribution), cohort->patients,
                        std::move(answer.next_state)};
}

}  // namespace consilium
