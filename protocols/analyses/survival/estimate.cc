#include "protocols/analyses/survival/estimate.h"

#include <utility>

#include "protocols/analyses/glm/slices.h"
#include "protocols/analyses/survival/grid.h"
#include "protocols/analyses/survival/query.h"

namespace consilium::survival {
namespace {

Result<Aggregate> Ask(Federation& federation,
                      const SurvivalQuery& query,
                      const SurvivalPlan& plan) {
  const std::size_t expected = NumbersIn(DescribeQuery(query, plan));
  Aggregate aggregate = federation.Sum(EncodeQuery(query));
  if (aggregate.values.size() != expected) {
    return Fail(ErrorCode::kCorrupt, "a sum does not have the length of what was asked for");
  }
  const std::size_t counts = query.step == Step::kGrid
                                 ? expected
                                 : kCommonSums + 2 * plan.groups.size() * query.ends.size();
  for (std::size_t i = 0; i < counts; ++i) {
    if (!(aggregate.values[i] >= 0)) {
      return Fail(ErrorCode::kCorrupt, "a sum of counts is negative");
    }
  }
  return aggregate;
}

/// Not how many there are: that is the very number that minimum_events hides.
tl::unexpected<Error> TooFew(const std::string& who, const SurvivalPlan& plan) {
  const std::string least = plan.minimum_events == 1
                                ? "no event"
                                : "fewer than " + std::to_string(plan.minimum_events) + " events";
  return Fail(ErrorCode::kNotEstimable,
              who + " has " + least + ", and each step of a curve stands on minimum_events",
              "lower minimum_events, merge levels of the group, or leave a level out by an "
              "eligibility rule");
}

Result<std::vector<std::uint32_t>> FindBins(Federation& federation, const SurvivalPlan& plan) {
  TRY(const Aggregate aggregate, Ask(federation, {Step::kGrid, {}}, plan));
  const auto begin = aggregate.values.begin() + kCommonSums;
  const std::vector<std::uint32_t> ends =
      MergeBins({begin, aggregate.values.end()}, static_cast<double>(plan.minimum_events));
  if (ends.empty()) return TooFew("the whole cohort", plan);
  return ends;
}

/// What happened to one group, bin by bin.
struct GroupCounts {
  std::vector<double> events;
  std::vector<double> censored;
};

std::vector<GroupCounts> ReadTable(const double* values, std::size_t groups, std::size_t bins) {
  std::vector<GroupCounts> table;
  for (std::size_t g = 0; g < groups; ++g) {
    const double* const events = values + g * bins;
    const double* const censored = values + (groups + g) * bins;
    table.push_back({{events, events + bins}, {censored, censored + bins}});
  }
  return table;
}

double SumOf(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number;
  return sum;
}

/// On bins of its own, since a bin that has enough events of all groups may have few of this one.
Result<Curve> DrawCurve(const std::string& group,
                        const GroupCounts& counts,
                        const std::vector<double>& bin_ends,
                        const SurvivalPlan& plan) {
  Curve curve{group, SumOf(counts.events) + SumOf(counts.censored), SumOf(counts.events), {}, {},
              {}};
  if (!(curve.events > 0)) return curve;
  const std::vector<std::uint32_t> ends =
      MergeBins(counts.events, static_cast<double>(plan.minimum_events));
  if (ends.empty()) return TooFew("the group \"" + group + "\"", plan);
  const std::vector<double> events = Merged(counts.events, ends);
  const std::vector<double> censored = Merged(counts.censored, ends);
  std::vector<AtTime> times;
  double at_risk = curve.rows;
  for (std::size_t j = 0; j < ends.size(); ++j) {
    curve.bin_ends.push_back(bin_ends[ends[j]]);
    if (events[j] > 0) times.push_back({curve.bin_ends.back(), at_risk, events[j]});
    at_risk -= events[j] + censored[j];
  }
  curve.points = KaplanMeier(times, plan.confidence, plan.scale);
  curve.median = MedianOf(curve.points);
  return curve;
}

LogRankSums LogRankOf(const std::vector<GroupCounts>& table) {
  LogRankSums sums(table.size());
  std::vector<double> at_risk;
  for (const GroupCounts& group : table) {
    at_risk.push_back(SumOf(group.events) + SumOf(group.censored));
  }
  std::vector<double> events(table.size());
  for (std::size_t j = 0; j < table.front().events.size(); ++j) {
    for (std::size_t g = 0; g < table.size(); ++g) events[g] = table[g].events[j];
    sums.Add(at_risk, events);
    for (std::size_t g = 0; g < table.size(); ++g) at_risk[g] -= events[g] + table[g].censored[j];
  }
  return sums;
}

LogRankSums ReadLogRank(const double* values, const std::vector<Curve>& curves) {
  LogRankSums sums(curves.size());
  for (std::size_t g = 0; g < curves.size(); ++g) {
    sums.observed[g] = curves[g].events;
    sums.expected[g] = *values++;
  }
  for (std::size_t g = 0; g < curves.size(); ++g) {
    for (std::size_t h = g; h < curves.size(); ++h) sums.variance.Set(g, h, *values++);
  }
  return sums;
}

}  // namespace

Result<SurvivalEstimate> RunSurvival(Federation& federation, const SurvivalPlan& plan) {
  SurvivalQuery query{Step::kTable, {}};
  TRY(query.ends, FindBins(federation, plan));
  TRY(const Aggregate aggregate, Ask(federation, query, plan));
  const std::size_t groups = plan.groups.size();
  const double* const values = aggregate.values.data() + kCommonSums;
  const std::vector<GroupCounts> table = ReadTable(values, groups, query.ends.size());
  SurvivalEstimate estimate;
  estimate.rows = static_cast<std::uint64_t>(aggregate.values[0]);
  estimate.patients = static_cast<std::uint64_t>(aggregate.values[1]);
  estimate.events = static_cast<std::uint64_t>(aggregate.values[2]);
  estimate.sites = aggregate.sites;
  for (const std::uint32_t end : query.ends) {
    estimate.bin_ends.push_back(end * plan.bin_width);
  }
  for (std::size_t g = 0; g < groups; ++g) {
    TRY(Curve curve, DrawCurve(plan.groups[g], table[g], estimate.bin_ends, plan));
    estimate.curves.push_back(std::move(curve));
  }
  estimate.on_grid = LogRankOf(table);
  if (plan.has_groups()) {
    estimate.by_site = ReadLogRank(values + 2 * groups * query.ends.size(), estimate.curves);
  }
  return estimate;
}

}  // namespace consilium::survival
