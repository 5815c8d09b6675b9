#include "protocols/analyses/survival/query.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/slices.h"

namespace consilium::survival {
namespace {

/// SurvivalQuery as a wire message.
struct QueryMessage {
  SurvivalQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kGrid, Step::kTable>(query.step), AtMost<kMostBins>(query.ends));
  }
};

Slice Counts(
    std::string name, std::size_t groups, std::size_t bins, std::string meaning, double rows) {
  const std::string shape =
      groups == 0 ? std::to_string(bins) : std::to_string(groups) + " x " + std::to_string(bins);
  const std::size_t count = std::max<std::size_t>(groups, 1) * bins;
  return {std::move(name), shape, std::move(meaning), Slot{Encoding::kCount, count, rows}};
}

void AppendLogRank(const SurvivalPlan& plan, double rows, std::vector<Slice>& slices) {
  const std::size_t groups = plan.groups.size();
  slices.push_back(glm::RealSlice(
      "expected", std::to_string(groups),
      "for each group, how many events this site would have had if its groups fared alike, for the "
      "log-rank test stratified by site",
      groups, rows));
  slices.push_back(glm::RealSlice("variance", std::to_string(glm::TriangleSize(groups)),
                                  "how far these may be off by chance", glm::TriangleSize(groups),
                                  rows));
}

}  // namespace

Query EncodeQuery(const SurvivalQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<SurvivalQuery> DecodeQuery(const Query& query, const SurvivalPlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  const std::vector<std::uint32_t>& ends = message->query.ends;
  const bool table = message->query.step == Step::kTable;
  const bool rising =
      std::adjacent_find(ends.begin(), ends.end(), std::greater_equal<>()) == ends.end();
  if (table == ends.empty() || !rising || (table && ends.back() != plan.bins - 1)) {
    return Fail(ErrorCode::kInvalidArgument, "the query's bins are not those of the plan's grid");
  }
  return std::move(message->query);
}

std::vector<Slice> DescribeQuery(const SurvivalQuery& query, const SurvivalPlan& plan) {
  const auto rows = static_cast<double>(plan.design.maximum_rows);
  std::vector<Slice> slices = glm::CohortSlices(rows);
  slices.push_back(glm::CountSlice("events", "in how many rows the event happened", rows));
  if (query.step == Step::kGrid) {
    slices.push_back(Counts("events by time", 0, plan.bins,
                            "how many events each bin of the plan's grid has, to lay bins together "
                            "until they hold enough",
                            rows));
    return slices;
  }
  slices.push_back(Counts("group events", plan.groups.size(), query.ends.size(),
                          "for each group and each merged bin, how many events there are", rows));
  slices.push_back(Counts("group censored", plan.groups.size(), query.ends.size(),
                          "for each group and each merged bin, how many patients were last seen "
                          "without the event, for the numbers at risk",
                          rows));
  if (plan.has_groups()) AppendLogRank(plan, rows, slices);
  return slices;
}

}  // namespace consilium::survival
