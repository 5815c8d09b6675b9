#include "simulations/recorded_run.h"

#include "common/check.h"

namespace consilium {

std::optional<double> RatioOf(const RoundRecord& round,
                              std::string_view of,
                              std::string_view over) {
  std::optional<double> above;
  std::optional<double> below;
  for (const auto& [name, value] : round.sums) {
    if (name == of) above = value;
    if (name == over) below = value;
  }
  if (!above || !below || !(*below > 0)) return {};
  return *above / *below;
}

Aggregate RoundRecorder::Sum(const Query& query) {
  Aggregate aggregate = federation_.Sum(query);
  RoundRecord record;
  record.round = static_cast<std::uint32_t>(rounds_.size()) + 1;
  record.sites = aggregate.sites;
  const Result<std::vector<Slice>> slices = analysis_.Describe(query);
  CHECK(slices.has_value());
  record.answer_bytes = sizeof(std::uint64_t) * WordsOf(SlotsOf(*slices));
  std::size_t at = 0;
  for (const Slice& slice : *slices) {
    if (slice.slot.count == 1) record.sums.emplace_back(slice.name, aggregate.values[at]);
    at += slice.slot.count;
  }
  rounds_.push_back(std::move(record));
  return aggregate;
}

Result<RecordedRun> RunRecorded(const Analysis& analysis,
                                std::span<const CohortView> sites,
                                PlainOptions options) {
  PlainFederation federation(analysis, sites, std::move(options));
  RoundRecorder recorder(analysis, federation);
  TRY(PlainRun run, RunThrough(analysis, recorder, federation));
  return RecordedRun{std::move(run), std::move(recorder.rounds()), {}};
}

}  // namespace consilium
