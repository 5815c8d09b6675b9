#include "protocols/analyses/train/private_train.h"

#include <utility>

#include "common/check.h"
#include "protocols/analyses/train/private_course.h"
#include "protocols/analyses/train/render.h"

namespace consilium::train {
namespace {

class PrivateTrain final : public Analysis {
 public:
  PrivateTrain(TrainPlan plan,
               PrivacyUnit unit,
               std::shared_ptr<const ExternalTrainer> trainer = nullptr)
      : plan_(std::move(plan)), unit_(unit), trainer_(std::move(trainer)) {}

  std::string_view kind() const override { return "train"; }
  std::vector<std::string> columns() const override { return plan_.design.columns; }
  std::size_t outcomes() const override { return plan_.design.first_feature(); }
  std::size_t parameters() const override { return plan_.network.parameters; }
  bool KeepsSitesApart() const override { return plan_.network.ComparesRows(); }
  std::uint32_t maximum_rounds() const override { return plan_.rounds; }
  bool GoesOnWithoutASite() const override { return true; }
  bool KeepsMemory() const override { return true; }

  Result<std::vector<Slice>> Describe(const Query& query) const override {
    TRY_STATUS(DecodePrivateQuery(query, plan_));
    return DescribePrivate(plan_, unit_);
  }
  std::vector<Slice> DescribeForReview() const override { return DescribePrivate(plan_, unit_); }

  std::string InWords() const override {
    return ModelInWords(plan_) + (unit_ == PrivacyUnit::kSite
                                      ? ", every site's update of equal weight"
                                      : " on the gradients of all rows");
  }
  std::string ReleasedInWords() const override {
    return unit_ == PrivacyUnit::kSite ? "the trained model"
                                       : "the trained model and the number of patients";
  }

  std::string_view trainer() const override {
    return plan_.trainer ? std::string_view(plan_.trainer->command) : std::string_view();
  }
  std::shared_ptr<const Analysis> WithTrainer(
      std::shared_ptr<const ExternalTrainer> trainer) const override {
    CHECK(plan_.trainer.has_value());
    return std::make_shared<const PrivateTrain>(plan_, unit_, std::move(trainer));
  }

  Result<AnalysisResult> Run(Federation& federation) const override {
    TRY(const Trained trained, RunPrivateCourse(federation, plan_, unit_));
    return Render(trained, plan_);
  }

  using Analysis::Answer;
  Result<Contribution> Answer(const Query& query, const CohortView& cohort) const override {
    TRY(TrainQuery decoded, DecodePrivateQuery(query, plan_));
    const PrivateSiteQuery prepared(plan_, unit_, std::move(decoded), trainer_.get());
    Contribution contribution;
    contribution.values.resize(prepared.numbers());
    TRY_STATUS(prepared.Answer(cohort, contribution.values));
    return contribution;
  }

  Result<std::unique_ptr<PreparedQuery>> Prepare(const Query& query) const override {
    TRY(TrainQuery decoded, DecodePrivateQuery(query, plan_));
    return std::make_unique<PrivateSiteQuery>(plan_, unit_, std::move(decoded), trainer_.get());
  }

 private:
  const TrainPlan plan_;
  const PrivacyUnit unit_;
  const std::shared_ptr<const ExternalTrainer> trainer_;
};

}  // namespace

Result<std::shared_ptr<const Analysis>> MakePrivateTrain(const TrainPlan& plan,
                                                         PrivacyUnit unit,
                                                         const Settings& analysis) {
  TRY_STATUS(CheckPrivate(plan, unit, analysis));
  return std::make_shared<const PrivateTrain>(plan, unit);
}

}  // namespace consilium::train
