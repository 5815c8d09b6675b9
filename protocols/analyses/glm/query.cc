#include "protocols/analyses/glm/query.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/wire.h"

namespace consilium::glm {
namespace {

/// Sums above this leave no room for the number of sites.
constexpr double kLargestBound = 1e290;
/// Covers the rounding of a bound's own arithmetic.
constexpr double kSlack = 1.0 + 1e-9;

/// GlmQuery as a wire message.
struct QueryMessage {
  GlmQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kMoments, Step::kNewton>(query.step),
            AtMost<kMaxTerms>(query.centres), AtMost<kMaxTerms>(query.scales), query.outcome_centre,
            query.outcome_scale, query.eta_ceiling, AtMost<kMaxTerms + 1>(query.coefficients));
  }
};

bool AllFinite(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

/// Largest |(x - centre) / scale| over the range.
double StandardisedBound(double minimum, double maximum, double centre, double scale) {
  return std::max(std::abs(minimum - centre), std::abs(maximum - centre)) / scale * kSlack;
}

std::vector<double> TermBounds(const GlmQuery& query, const Design& design) {
  std::vector<double> bounds;
  bounds.reserve(design.terms.size());
  for (std::size_t j = 0; j < design.terms.size(); ++j) {
    const Term& term = design.terms[j];
    bounds.push_back(
        StandardisedBound(term.minimum, term.maximum, query.centres[j], query.scales[j]));
  }
  return bounds;
}

double LargestEta(const GlmQuery& query, const std::vector<double>& bounds) {
  double eta = std::abs(query.coefficients[0]);
  for (std::size_t j = 0; j < bounds.size(); ++j) {
    eta += std::abs(query.coefficients[j + 1]) * bounds[j];
  }
  return eta * kSlack;
}

Slice RealSlice(
    std::string name, std::string shape, std::string meaning, std::size_t count, double bound) {
  return {std::move(name), std::move(shape), std::move(meaning),
          Slot{Encoding::kReal, count, bound * kSlack}};
}

Slice CountSlice(std::string name, std::string meaning, double bound) {
  return {std::move(name), "1", std::move(meaning), Slot{Encoding::kCount, 1, bound}};
}

void AppendMoments(const std::vector<double>& bounds, double rows, std::vector<Slice>& slices) {
  const std::size_t terms = bounds.size();
  if (terms == 0) return;
  const double largest = *std::max_element(bounds.begin(), bounds.end());
  slices.push_back(RealSlice("term sums", std::to_string(terms),
                             "for each term, the sum over all rows, shifted and scaled", terms,
                             rows * largest));
  slices.push_back(RealSlice("term squares", std::to_string(terms),
                             "for each term, the sum of squares over all rows, for its spread",
                             terms, rows * largest * largest));
}

double LargestTerm(const std::vector<double>& bounds) {
  double largest = 1;
  for (const double bound : bounds) largest = std::max(largest, bound);
  return largest;
}

Slice InformationSlice(std::size_t order, double bound) {
  const std::string text = std::to_string(order);
  const std::size_t size = TriangleSize(order);
  return RealSlice("information",
                   std::to_string(size) + " (upper triangle of " + text + " x " + text + ")",
                   "weighted sums of products of two terms over all rows, which give the step and "
                   "the standard errors",
                   size, bound);
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
  slices.push_back(RealSlice("score", std::to_string(order),
                             "for each coefficient, in which direction it should move, summed over "
                             "all rows",
                             order, rows * row.score * largest));
  slices.push_back(InformationSlice(order, rows * row.weight * largest * largest));
}

Status CheckBounds(const std::vector<Slice>& slices) {
  for (const Slice& slice : slices) {
    if (!(slice.slot.bound > 0) || !(slice.slot.bound <= kLargestBound)) {
      return Fail(ErrorCode::kInvalidArgument,
                  "the query's coefficients are so large that \"" + slice.name +
                      "\" has no bound that could be kept",
                  "narrow the ranges in the contract or add a ridge penalty");
    }
  }
  return {};
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
  if (result.centres.size() != terms || result.scales.size() != terms ||
      result.coefficients.size() != coefficients) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this number of terms");
  }
  const bool positive = std::all_of(result.scales.begin(), result.scales.end(),
                                    [](double scale) { return scale > 0; });
  if (!AllFinite(result.centres) || !AllFinite(result.scales) || !AllFinite(result.coefficients) ||
      !positive || !std::isfinite(result.outcome_centre) || !std::isfinite(result.outcome_scale) ||
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
  for (const Term& term : design.terms) {
    query.centres.push_back(term.minimum + (term.maximum - term.minimum) / 2);
    query.scales.push_back((term.maximum - term.minimum) / 2);
  }
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
  const std::vector<double> bounds = TermBounds(query, design);
  const double largest_y = StandardisedBound(design.outcome_minimum, design.outcome_maximum,
                                             query.outcome_centre, query.outcome_scale);
  std::vector<Slice> slices;
  slices.push_back(CountSlice("rows", "how many rows the cohort has", rows));
  slices.push_back(CountSlice("patients", "how many different patients the cohort has", rows));
  for (Slice& slice : family.OutcomeSlices(largest_y, rows)) slices.push_back(std::move(slice));
  if (query.step == Step::kMoments) {
    AppendMoments(bounds, rows, slices);
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
