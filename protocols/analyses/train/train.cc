#include "protocols/analyses/train/train.h"

#include <utility>

#include "common/check.h"
#include "protocols/analyses/train/course.h"
#include "protocols/analyses/train/private_train.h"
#include "protocols/analyses/train/render.h"
#include "protocols/analyses/train/site.h"

namespace consilium::train {
namespace {

class Train final : public Analysis, public NormChecked {
 public:
  explicit Train(TrainPlan plan, std::shared_ptr<const ExternalTrainer> trainer = nullptr)
      : plan_(std::move(plan)), trainer_(std::move(trainer)) {}

  std::string_view kind() const override { return "train"; }

  std::vector<std::string> columns() const override { return plan_.design.columns; }

  std::size_t outcomes() const override { return plan_.design.first_feature(); }
  std::size_t parameters() const override { return plan_.network.parameters; }
  bool KeepsSitesApart() const override { return plan_.network.ComparesRows(); }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const TrainQuery decoded, DecodeQuery(query, plan_));
    return DescribeStep(decoded, plan_);
  }

  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices;
    if (plan_.standardisation == Standardisation::kFederation) {
      AppendNew(Step::kMoments, slices);
    }
    AppendNew(Step::kLearn, slices);
    if (plan_.IsRobust()) AppendNew(Step::kWeigh, slices);
    return slices;
  }

  std::optional<CheckedSlice> CheckedIn(const Query& query) const override {
    const Result<TrainQuery> decoded = DecodeQuery(query, plan_);
    return decoded ? train::CheckedIn(*decoded, plan_) : std::nullopt;
  }

  std::optional<CheckedSlice> CheckedInReview() const override {
    TrainQuery query;
    query.step = Step::kLearn;
    std::optional<CheckedSlice> checked = train::CheckedIn(query, plan_);
    const std::vector<Slice> slices = DescribeForReview();
    // Of the strategies that can be checked the update is the last here, too.
    if (checked) checked->index = slices.size() - 1;
    return checked;
  }

  std::uint32_t maximum_rounds() const override {
    return (plan_.standardisation == Standardisation::kFederation ? 1 : 0) +
           plan_.rounds * (1 + plan_.server.iterations) + (plan_.Validates() ? 1 : 0);
  }

  std::string InWords() const override { return ModelInWords(plan_); }
  std::string ReleasedInWords() const override {
    return "the trained model, its training curve and numbers of patients";
  }
  bool GoesOnWithoutASite() const override { return true; }
  bool KeepsMemory() const override { return true; }
  bool HasState() const override { return plan_.HasState(); }

  std::string_view trainer() const override {
    return plan_.trainer ? std::string_view(plan_.trainer->command) : std::string_view();
  }
  std::shared_ptr<const Analysis> WithTrainer(
      std::shared_ptr<const ExternalTrainer> trainer) const override {
    CHECK(plan_.trainer.has_value());
    return std::make_shared<const Train>(plan_, std::move(trainer));
  }

  Result<std::shared_ptr<const Analysis>> Bounded(PrivacyUnit unit,
                                                  const Settings& analysis) const override {
    return MakePrivateTrain(plan_, unit, analysis);
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Trained trained, RunCourse(federation, plan_));
    return Render(trained, plan_);
  }

  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(StatefulAnswer answer, Answer(query, cohort, {}));
    return std::move(answer.contribution);
  }

  Result<StatefulAnswer> Answer(const Query& query,
                                const CohortView& cohort,
                                ByteSpan state) const override {
    TRY(TrainQuery decoded, DecodeQuery(query, plan_));
    const TrainSiteQuery prepared(plan_, std::move(decoded), trainer_.get());
    StatefulAnswer answer;
    answer.contribution.values.resize(prepared.numbers());
    SiteMemory memory;
    memory.state = ToBytes(state);
    TRY_STATUS(prepared.Answer(cohort, memory, answer.contribution.values));
    answer.next_state = std::move(memory.next_state);
    return answer;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(TrainQuery decoded, DecodeQuery(query, plan_));
    return std::make_unique<TrainSiteQuery>(plan_, std::move(decoded), trainer_.get());
  }

 private:
  void AppendNew(Step step, std::vector<Slice>& slices) const {
    TrainQuery query;
    query.step = step;
    for (Slice& slice : DescribeStep(query, plan_)) {
      bool known = false;
      for (const Slice& other : slices) known = known || other.name == slice.name;
      if (!known) slices.push_back(std::move(slice));
    }
  }

  const TrainPlan plan_;
  const std::shared_ptr<const ExternalTrainer> trainer_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeTrain(const Settings& settings, const Contract& contract) {
  TRY(TrainPlan plan, ParseTrainPlan(settings, contract));
  return std::make_unique<Train>(std::move(plan));
}

}  // namespace consilium::train
