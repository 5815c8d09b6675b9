// Covers protocols/result_document.cc as well.

#include "protocols/analysis_thread.h"

#include <stdexcept>
#include <variant>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/plan.h"
#include "protocols/result_document.h"

namespace consilium {
namespace {

/// Asks for `rounds` sums and returns their total; throws when a sum is negative.
class Adder final : public Analysis {
 public:
  explicit Adder(int rounds) : rounds_(rounds) {}
  std::string_view kind() const override { return "adder"; }
  std::vector<std::string> columns() const override { return {}; }
  std::size_t parameters() const override { return 1; }
  Result<std::vector<Slice>> Describe(const Query&) const override { return DescribeForReview(); }
  std::vector<Slice> DescribeForReview() const override { return {}; }
  std::uint32_t maximum_rounds() const override { return static_cast<std::uint32_t>(rounds_); }
  std::string InWords() const override { return "a sum"; }
  std::string ReleasedInWords() const override { return "the sum"; }
  using Analysis::Answer;
  Result<Contribution> Answer(const Query&, const CohortView&) const override {
    return Contribution{};
  }
  Result<AnalysisResult> Run(Federation& federation) const override {
    double total = 0;
    for (int i = 0; i < rounds_; ++i) {
      const Aggregate aggregate = federation.Sum(Query{Bytes{static_cast<std::byte>(i)}});
      if (aggregate.values.at(0) < 0) throw std::runtime_error("a negative sum");
      total += aggregate.values.at(0);
    }
    AnalysisResult result;
    result.converged = true;
    result.sites = 3;
    result.json = R"({"total": )" + std::to_string(total) + "}";
    return result;
  }

 private:
  int rounds_;
};

TEST(AnalysisThreadTest, AlternatesWithItsCallerUntilTheEnd) {
  AnalysisThread thread(std::make_shared<Adder>(3));
  AnalysisThread::Step step = thread.Start();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(std::get<Query>(step).body.at(0), static_cast<std::byte>(i));
    step = thread.Resume(Aggregate{{1.5}, 3});
  }

  EXPECT_EQ(std::get<Result<AnalysisResult>>(step)->json, R"({"total": 4.500000})");
}

TEST(AnalysisThreadTest, IsInterruptedWhereItWaits) {
  for (int rounds = 0; rounds < 3; ++rounds) {
    AnalysisThread thread(std::make_shared<Adder>(5));
    AnalysisThread::Step step = thread.Start();
    for (int i = 0; i < rounds; ++i) step = thread.Resume(Aggregate{{1}, 3});
    EXPECT_TRUE(std::holds_alternative<Query>(step)) << "it waits for a sum when it is destroyed";
  }
  AnalysisThread never_started(std::make_shared<Adder>(1));
}

TEST(AnalysisThreadTest, TurnsAnExceptionIntoAnError) {
  AnalysisThread thread(std::make_shared<Adder>(2));
  thread.Start();

  const AnalysisThread::Step step = thread.Resume(Aggregate{{-1}, 3});

  const auto& result = std::get<Result<AnalysisResult>>(step);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("a negative sum"));
}

TEST(ResultDocumentTest, PutsTheSharedFieldsFirstAndLetsNoAnalysisReplaceThem) {
  Plan plan;
  plan.title = "A title";
  plan.analysis = std::make_shared<Adder>(1);
  AnalysisResult result;
  result.patients = 12;
  result.json = R"({"patients": 99, "own": 0.1})";

  const std::string document = ResultDocument(plan, result, 4);

  EXPECT_EQ(document.find("\"study\""), document.find('"'));
  EXPECT_THAT(document, ::testing::HasSubstr("\"patients\": 12"));
  EXPECT_THAT(document, ::testing::HasSubstr("\"rounds\": 4"));
  EXPECT_THAT(document, ::testing::HasSubstr("\"own\": 0.1"));
}

}  // namespace
}  // namespace consilium
