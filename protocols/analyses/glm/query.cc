#include "protocols/analyses/glm/query.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/wire.h"

namespace consilium::glm {
namespace {

/// GlmQuery as a wire message.
struct QueryMessage {
  GlmQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kMoments, Step::kNewton>(query.step),
            AtMost<kMaxTerms>(query.scaling.centres), AtMost<kMaxTerms>(query.scaling.scales),
            query.outcome_centre, query.outcome_scale, query.eta_ceiling,
            AtMost<kMaxTerms + 1>(query.coefficients));
  }
};

double LargestEta(const GlmQuery& query, const std::vector<double>& bounds) {
  double eta = std::abs(query.coefficients[0]);
  for (std::size_t j = 0; j < bounds.size(); ++j) {
    eta += std::abs(query.coefficients[j + 1]) * bounds[j];
  }
  return eta * kSlack;
}

double LargestTerm(const std::vector<double>& bounds) {
  double largest = 1;
  for (const double bound : bounds) largest = std::max(largest, bound);
  return largest;
}

void AppendStart(const std::vector<double>& bounds,
                 const StartTerms& row,
                 double rows,
                 std::vector<Slice>& slices) {
  const double largest = LargestTerm(bounds);
  const std::size_t order = bounds.size() + 1;
  slices.push_back(RealSlice("starting products", std::to_string(order),
                             "for each coefficient, the sum over all rows of the term times a "
                             "function of the outcome, for a first guess",
                             order, rows * row.product * largest));
  slices.push_back(InformationSlice(order, rows * row.weight * largest * largest));
}

void AppendNewton(const std::vector<double>& bounds,
                  const RowBounds& row,
                  double rows,
                  std::vector<Slice>& slices) {
  const double largest = LargestTerm(bounds);
  const std::size_t order = bounds.size() + 1;
  slices.push_back(RealSlice("deviance", "1",
                             "how far the current coefficients are from the outcomes, summed over "
                             "all rows",
                             1, rows * row.deviance));
  slices.push_back(ScoreSlice(order, rows * row.score * largest));
  slices.push_back(InformationSlice(order, rows * row.weight * largest * largest));
}

}  // namespace

Query EncodeQuery(const GlmQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<GlmQuery> DecodeQuery(const Query& query, const Design& design, const Family& family) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  GlmQuery& result = message->query;
  const std::size_t terms = design.terms.size();
  const std::size_t coefficients = result.step == Step::kNewton ? terms + 1 : 0;
  if (result.scaling.centres.size() != terms || result.scaling.scales.size() != terms ||
      result.coefficients.size() != coefficients) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this number of terms");
  }
  if (!IsScalingOf(result.scaling, design) || !AllFinite(result.coefficients) ||
      !std::isfinite(result.outcome_centre) || !std::isfinite(result.outcome_scale) ||
      !(result.outcome_scale > 0) || !(result.eta_ceiling >= 0) || !(result.eta_ceiling <= 200)) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  if (family.gaussian() && result.step == Step::kStart) {
    return Fail(ErrorCode::kInvalidArgument, "this analysis has no starting round");
  }
  if (!family.gaussian() && (result.outcome_centre != 0 || result.outcome_scale != 1)) {
    return Fail(ErrorCode::kInvalidArgument, "this analysis does not shift or scale its outcome");
  }
  return std::move(result);
}

GlmQuery FirstQuery(const Design& design, const Family& family) {
  GlmQuery query;
  query.scaling = ScalingByRange(design);
  if (family.gaussian()) {
    const double width = design.outcome_maximum - design.outcome_minimum;
    query.outcome_centre = design.outcome_minimum + width / 2;
    query.outcome_scale = width / 2;
  }
  return query;
}

Result<std::vector<Slice>> DescribeQuery(const GlmQuery& query,
                                         const Design& design,
                                         const Family& family) {
  const auto rows = static_cast<double>(design.maximum_rows);
  const std::vector<double> bounds = TermBounds(query.scaling, design);
  const double largest_y = StandardisedBound(design.outcome_minimum, design.outcome_maximum,
                                             query.outcome_centre, query.outcome_scale);
  std::vector<Slice> slices = CohortSlices(rows);
  for (Slice& slice : family.OutcomeSlices(largest_y, rows)) slices.push_back(std::move(slice));
  if (query.step == Step::kMoments) {
    for (Slice& slice : MomentSlices(bounds, rows)) slices.push_back(std::move(slice));
  } else if (query.step == Step::kStart) {
    AppendStart(bounds, family.StartBounds(largest_y), rows, slices);
  } else {
    const double eta = LargestEta(query, bounds);
    AppendNewton(bounds, family.Bounds(eta, largest_y, query.eta_ceiling), rows, slices);
  }
  TRY_STATUS(CheckBounds(slices));
  return slices;
}

}  // namespace consilium::glm
