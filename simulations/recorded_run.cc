#include "simulations/recorded_run.h"

#include "common/check.h"

namespace consilium {
namespace {

class Recorder final : public Federation {
 public:
  Recorder(const Analysis& analysis, PlainFederation& federation)
      : analysis_(analysis), federation_(federation) {}

  Aggregate Sum(const Query& query) override {
    Aggregate aggregate = federation_.Sum(query);
    RoundRecord record;
    record.round = federation_.rounds();
    record.sites = aggregate.sites;
    record.query_bytes = query.body.size();
    const Result<std::vector<Slice>> slices = analysis_.Describe(query);
    CHECK(slices.has_value());
    record.answer_bytes = sizeof(std::uint64_t) * WordsOf(SlotsOf(*slices));
    std::size_t at = 0;
    for (const Slice& slice : *slices) {
      if (slice.slot.count == 1) record.sums.emplace_back(slice.name, aggregate.values[at]);
      at += slice.slot.count;
    }
    rounds.push_back(std::move(record));
    return aggregate;
  }

  std::vector<RoundRecord> rounds;

 private:
  const Analysis& analysis_;
  PlainFederation& federation_;
};

}  // namespace

Result<RecordedRun> RunRecorded(const Analysis& analysis,
                                std::span<const CohortView> sites,
                                PlainOptions options) {
  PlainFederation federation(analysis, sites, std::move(options));
  Recorder recorder(analysis, federation);
  TRY(PlainRun run, RunThrough(analysis, recorder, federation));
  return RecordedRun{std::move(run), std::move(recorder.rounds)};
}

}  // namespace consilium
