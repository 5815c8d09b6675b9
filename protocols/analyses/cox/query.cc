#include "protocols/analyses/cox/query.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/query.h"

namespace consilium::cox {
namespace {

using glm::kMaxTerms;

/// CoxQuery as a wire message.
struct QueryMessage {
  CoxQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kMoments, Step::kConcordance>(query.step),
            AtMost<kMaxTerms>(query.scaling.centres), AtMost<kMaxTerms>(query.scaling.scales),
            AtMost<kMaxTerms>(query.coefficients));
  }
};

/// The largest |linear predictor|.
double LargestEta(const CoxQuery& query, const std::vector<double>& bounds) {
  double eta = 0;
  for (std::size_t j = 0; j < bounds.size(); ++j) {
    eta += std::abs(query.coefficients[j]) * bounds[j];
  }
  return eta * glm::kSlack;
}

/// At least log(rows), by arithmetic that is the same on every machine.
double LogBound(double rows) { return std::ilogb(rows) + 1; }

/// An event adds its linear predictor less the logarithm of a sum of at most `rows` exponentials,
/// which lies within log(rows) of the largest of them in Efron's form, too; its term less a
/// weighted mean of terms; and a weighted covariance of terms.
void AppendNewton(const CoxQuery& query,
                  const std::vector<double>& bounds,
                  double rows,
                  std::vector<Slice>& slices) {
  const double largest = *std::max_element(bounds.begin(), bounds.end());
  slices.push_back(glm::RealSlice(
      "deviance", "1",
      "-2 times the logarithm of the partial likelihood: how far the current coefficients are from "
      "the order in which this site's events came, summed over its events",
      1, rows * 2 * (2 * LargestEta(query, bounds) + LogBound(rows))));
  slices.push_back(glm::RealSlice(
      "score", std::to_string(bounds.size()),
      "for each coefficient, in which direction it should move: the difference between the patient "
      "with the event and the mean of those at risk at this site, summed over its events",
      bounds.size(), rows * 2 * largest));
  Slice information = glm::InformationSlice(bounds.size(), rows * largest * largest);
  information.meaning =
      "covariances of two terms among the patients at risk at this site, summed over its events, "
      "which give the step and the standard errors";
  slices.push_back(std::move(information));
}

void AppendConcordance(double rows, std::vector<Slice>& slices) {
  slices.push_back(glm::RealSlice(
      "pairs", "3 (concordant, discordant, tied)",
      "of all pairs of this site's patients of whom it is known who had the event first: in how "
      "many the model gave that one the higher, the lower or the same hazard",
      3, rows * rows));
  slices.push_back(glm::RealSlice(
      "pairs' spread", "3",
      "sums over patients of squares and products of their numbers of such pairs, for the standard "
      "error of the concordance",
      3, rows * rows * rows));
}

}  // namespace

Query EncodeQuery(const CoxQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<CoxQuery> DecodeQuery(const Query& query, const glm::Design& design) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  CoxQuery& result = message->query;
  const std::size_t coefficients = result.step == Step::kMoments ? 0 : design.terms.size();
  if (!glm::IsScalingOf(result.scaling, design) || result.coefficients.size() != coefficients ||
      !glm::AllFinite(result.coefficients)) {
    return Fail(ErrorCode::kInvalidArgument,
                "the query is not for this number of terms, or holds a number that makes no sense");
  }
  return std::move(result);
}

Result<std::vector<Slice>> DescribeQuery(const CoxQuery& query, const glm::Design& design) {
  const auto rows = static_cast<double>(design.maximum_rows);
  const std::vector<double> bounds = glm::TermBounds(query.scaling, design);
  std::vector<Slice> slices = glm::CohortSlices(rows);
  slices.push_back(glm::CountSlice("events", "in how many rows the event happened", rows));
  switch (query.step) {
    case Step::kMoments:
      for (Slice& slice : glm::MomentSlices(bounds, rows)) slices.push_back(std::move(slice));
      break;
    case Step::kNewton:
      AppendNewton(query, bounds, rows, slices);
      break;
    case Step::kConcordance:
      AppendConcordance(rows, slices);
      break;
  }
  TRY_STATUS(glm::CheckBounds(slices));
  return slices;
}

}  // namespace consilium::cox
