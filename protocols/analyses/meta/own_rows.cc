#include "protocols/analyses/meta/own_rows.h"

#include <utility>

namespace consilium::meta {

Result<Aggregate> OwnRows::Ask(const Query& query) const {
  TRY(const std::vector<Slice> slices, analysis_.Describe(query));
  TRY(const Contribution answer, analysis_.Answer(query, cohort_));
  const std::vector<Slot> slots = SlotsOf(slices);
  TRY(const RingVector words, EncodeFixedPoint(answer.values, slots, 1));
  TRY(std::vector<double> values, DecodeFixedPoint(words, slots, 1));
  return Aggregate{std::move(values), 1};
}

Aggregate OwnRows::Sum(const Query& query) {
  Result<Aggregate> sum = Ask(query);
  if (!sum) {
    error_ = std::move(sum).error();
    throw StudyInterrupted();
  }
  return *std::move(sum);
}

}  // namespace consilium::meta
