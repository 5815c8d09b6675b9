#pragma once

// A federation without protocol: the cohorts answer, their fixed-point words are added and decoded.

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/fixed_point.h"
#include "protocols/analysis.h"

namespace consilium::testing {

class PlainFederation final : public Federation {
 public:
  PlainFederation(const Analysis& analysis, std::vector<Cohort> cohorts)
      : analysis_(analysis), cohorts_(std::move(cohorts)) {}

  /// Throws std::runtime_error where a site would refuse.
  Aggregate Sum(const Query& query) override {
    queries_.push_back(query);
    const auto sites = static_cast<std::uint32_t>(cohorts_.size());
    const std::vector<Slot> slots = SlotsOf(Value(analysis_.Describe(query)));
    RingVector sum(WordsOf(slots), 0);
    for (const Cohort& cohort : cohorts_) {
      const Contribution contribution = Value(analysis_.Answer(query, cohort));
      AddTo(sum, Value(EncodeFixedPoint(contribution.values, slots, sites)));
    }
    return {Value(DecodeFixedPoint(sum, slots, sites)), sites};
  }

  const std::vector<Query>& queries() const { return queries_; }

 private:
  template <class T>
  static T Value(Result<T> result) {
    if (!result) throw std::runtime_error(Describe(result.error()));
    return *std::move(result);
  }

  const Analysis& analysis_;
  std::vector<Cohort> cohorts_;
  std::vector<Query> queries_;
};

}  // namespace consilium::testing
