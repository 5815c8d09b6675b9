#include "protocols/analyses/train/train.h"

#include <utility>

#include "protocols/analyses/train/course.h"
#include "protocols/analyses/train/render.h"
#include "protocols/analyses/train/site.h"

namespace consilium::train {
namespace {

class Train final : public Analysis {
 public:
  explicit Train(TrainPlan plan) : plan_(std::move(plan)) {}

  std::string_view kind() const override { return "train"; }

  std::vector<std::string> columns() const override {
    std::vector<std::string> names = {plan_.design.outcome.name};
    for (const ContractColumn& feature : plan_.design.features) names.push_back(feature.name);
    return names;
  }

  std::size_t parameters() const override { return plan_.network.parameters; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY(const TrainQuery decoded, DecodeQuery(query, plan_));
    return DescribeStep(decoded.step, plan_);
  }

  std::vector<Slice> DescribeForReview() const override {
    std::vector<Slice> slices;
    if (plan_.standardisation == Standardisation::kFederation) {
      slices = DescribeStep(Step::kMoments, plan_);
    }
    for (Slice& slice : DescribeStep(Step::kLearn, plan_)) {
      bool known = false;
      for (const Slice& other : slices) known = known || other.name == slice.name;
      if (!known) slices.push_back(std::move(slice));
    }
    return slices;
  }

  std::uint32_t maximum_rounds() const override {
    return (plan_.standardisation == Standardisation::kFederation ? 1 : 0) + plan_.rounds +
           (plan_.Validates() ? 1 : 0);
  }

  std::string InWords() const override { return ModelInWords(plan_); }
  std::string ReleasedInWords() const override {
    return "the trained model, its training curve and numbers of patients";
  }
  bool GoesOnWithoutASite() const override { return true; }
  bool KeepsMemory() const override { return true; }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Trained trained, RunCourse(federation, plan_));
    return Render(trained, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(TrainQuery decoded, DecodeQuery(query, plan_));
    const TrainSiteQuery prepared(plan_, std::move(decoded));
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(TrainQuery decoded, DecodeQuery(query, plan_));
    return std::make_unique<TrainSiteQuery>(plan_, std::move(decoded));
  }

 private:
  const TrainPlan plan_;
};

}  // namespace

Result<std::unique_ptr<Analysis>> MakeTrain(const Settings& settings, const Contract& contract) {
  TRY(TrainPlan plan, ParseTrainPlan(settings, contract));
  return std::make_unique<Train>(std::move(plan));
}

}  // namespace consilium::train
