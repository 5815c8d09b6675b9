// Whether sums that a validation opens, or their differences, are one site's own: of patients'
// folds none is, of a site that is left out they are, by its nature.

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "protocols/analyses/validate/parts.h"
#include "simulations/plain_federation.h"
#include "tests/protocols/analyses/validate/validate_testing.h"

namespace consilium::testing {
namespace {

using Numbers = std::vector<double>;

/// One part of a round's query: what all sites sum to, and each site's own.
struct Opened {
  std::string slices;  ///< Names behind the part's own and lengths: like is compared with like.
  Numbers sum;
  std::vector<Numbers> own;
};

/// Keeps every sum, cut where the part of the rows changes, beside what each site gave.
class Witness final : public Federation {
 public:
  Witness(const Plan& plan, const std::vector<Cohort>& cohorts)
      : plan_(plan), cohorts_(cohorts), views_(ViewsOf(cohorts)), sums_(*plan.analysis, views_) {}

  Aggregate Sum(const Query& query) override {
    Aggregate aggregate = sums_.Sum(query);
    std::vector<Numbers> answers;
    for (const Cohort& cohort : cohorts_) {
      answers.push_back(plan_.analysis->Answer(query, cohort)->values);
    }
    const std::vector<Slice> slices = plan_.analysis->Describe(query).value();
    std::string part = "none";
    std::size_t at = 0;
    for (const Slice& slice : slices) {
      const std::size_t colon = slice.name.find(": ");
      const std::string here = colon == std::string::npos ? "" : slice.name.substr(0, colon);
      if (here != part) {
        opened.emplace_back().own.resize(cohorts_.size());
        part = here;
      }
      Opened& open = opened.back();
      open.slices += slice.name.substr(colon == std::string::npos ? 0 : colon + 2) + " " +
                     std::to_string(slice.slot.count) + "\n";
      const auto append = [&](const Numbers& from, Numbers& to) {
        const auto start = from.begin() + static_cast<std::ptrdiff_t>(at);
        to.insert(to.end(), start, start + static_cast<std::ptrdiff_t>(slice.slot.count));
      };
      append(aggregate.values, open.sum);
      for (std::size_t i = 0; i < answers.size(); ++i) append(answers[i], open.own[i]);
      at += slice.slot.count;
    }
    return aggregate;
  }

  std::vector<Opened> opened;

 private:
  const Plan& plan_;
  const std::vector<Cohort>& cohorts_;
  std::vector<CohortView> views_;
  PlainFederation sums_;
};

bool AllZero(const Numbers& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](double x) { return x == 0; });
}

/// But for the rounding of sums.
bool Equal(const Numbers& left, const Numbers& right) {
  double largest = 0;
  for (const double number : right) largest = std::max(largest, std::abs(number));
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (!(std::abs(left[i] - right[i]) <= 1e-9 * largest)) return false;
  }
  return true;
}

/// How many sites' own contributions are some sum, or the difference of two, of the same slices.
std::size_t Disclosures(const std::vector<Opened>& opened) {
  std::map<std::string, std::vector<const Opened*>> alike;
  for (const Opened& open : opened) alike[open.slices].push_back(&open);
  std::size_t found = 0;
  for (const auto& [slices, parts] : alike) {
    std::vector<Numbers> known;
    for (const Opened* open : parts) known.push_back(open->sum);
    for (const Opened* left : parts) {
      for (const Opened* right : parts) {
        Numbers difference = left->sum;
        for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= right->sum[i];
        if (left != right) known.push_back(std::move(difference));
      }
    }
    for (const Opened* open : parts) {
      for (const Numbers& own : open->own) {
        if (AllZero(own)) continue;
        for (const Numbers& numbers : known) found += Equal(numbers, own) ? 1U : 0U;
      }
    }
  }
  return found;
}

std::vector<Opened> Open(const Plan& plan, const std::vector<Cohort>& cohorts) {
  Witness witness(plan, cohorts);
  EXPECT_TRUE(plan.analysis->Run(witness).has_value());
  return std::move(witness.opened);
}

/// The validation of rows in one place, where no number of sites is asked for.
Plan PlanOnOneTable(const std::string& model, const std::string& more) {
  Plan plan = ModelPlanOf(model, more);
  const std::shared_ptr<const Analysis> whole = plan.analysis;
  plan.analysis = std::shared_ptr<const Analysis>(whole, &whole->OnOneTable());
  return plan;
}

class DifferencingTest : public ::testing::TestWithParam<ValidatedModel> {
 protected:
  const std::string& model() const { return GetParam().name; }
};

TEST_P(DifferencingTest, FoldsOfPatientsTellNoSitesOwnSums) {
  for (const char* more : {"folds = 5\n", "folds = 3\nseed = 8\nridge = 1\n"}) {
    const Plan plan = ModelPlanOf(model(), more);
    const std::vector<Opened> opened = Open(plan, NamedCohorts(plan, PatientsAt(5, 400)));
    EXPECT_GE(opened.size(), 16u);
    EXPECT_EQ(Disclosures(opened), 0u) << more;
  }
}

/// What the first test would see: all sites less all but one.
TEST_P(DifferencingTest, LeavingASiteOutTellsItsSums) {
  const Plan plan = ModelPlanOf(model(), kLeaveOut);
  const std::vector<Opened> opened = Open(plan, NamedCohorts(plan, PatientsAt(5, 400)));
  // Each of three sites by its sums alone, and by differences.
  EXPECT_GE(Disclosures(opened), 6u);
}

/// Rows of a fold that lie at one site would be told by all rows' sums less the training rows'.
TEST_P(DifferencingTest, AFoldThatLiesAtOneSiteIsNotAskedFor) {
  const std::string two = "folds = 2\nminimum_count = 1\n";
  Rows rows = PatientsAt(5, 400);
  for (Row& row : rows) {
    if (validate::FoldOf(1, PatientNumber(row["patient_id"]), 2) == 2) row["site"] = "site-1";
  }
  const Plan plan = ModelPlanOf(model(), two);
  const std::vector<Cohort> cohorts = NamedCohorts(plan, rows);
  EXPECT_EQ(Disclosures(Open(plan, cohorts)), 0u);
  EXPECT_EQ(RunOn(plan, cohorts).json["validated"], nullptr);
  // It is the rule that protects: where one site is enough, its sums are told.
  const Plan without = PlanOnOneTable(model(), two);
  EXPECT_GT(Disclosures(Open(without, cohorts)), 0u);
}

INSTANTIATE_TEST_SUITE_P(Models,
                         DifferencingTest,
                         ::testing::ValuesIn(ValidatedModels()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace consilium::testing
