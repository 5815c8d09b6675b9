#include "protocols/analyses/meta/query.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "common/wire.h"
#include "protocols/analyses/glm/query.h"

namespace consilium::meta {
namespace {

constexpr std::size_t kMostCoefficients = glm::kMaxTerms + 1;

/// MetaQuery as a wire message.
struct QueryMessage {
  MetaQuery query;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(EnumBetween<Step::kFits, Step::kRandom>(query.step), query.fits,
            AtMost<kMostCoefficients>(query.centres), AtMost<kMostCoefficients>(query.totals),
            AtMost<kMostCoefficients>(query.variances));
  }
};

bool IsWholeAbove(double number, double limit) {
  return std::isfinite(number) && number >= limit && number == std::floor(number);
}

bool MakesSense(const MetaQuery& query) {
  const bool later = query.step == Step::kSpread || query.step == Step::kRandom;
  if (!(later ? IsWholeAbove(query.fits, 1) && query.fits <= 1e9 : query.fits == 0)) return false;
  return glm::AllFinite(query.centres) && glm::AllFinite(query.totals) &&
         glm::AllFinite(query.variances) &&
         std::all_of(query.totals.begin(), query.totals.end(), [](double x) { return x > 0; }) &&
         std::all_of(query.variances.begin(), query.variances.end(),
                     [](double x) { return x >= 0; });
}

Slice OfEach(std::string name, std::string meaning, const MetaPlan& plan, double bound) {
  const std::size_t count = plan.model->names().size();
  return glm::RealSlice(std::move(name), std::to_string(count), std::move(meaning), count, bound);
}

std::vector<Slice> CommonSlices(const MetaPlan& plan) {
  const auto rows = static_cast<double>(plan.model->design().maximum_rows);
  std::vector<Slice> slices = glm::CohortSlices(rows);
  slices.push_back(glm::CountSlice(
      "fits", "1 if this site's rows alone give an estimate of every coefficient, 0 if not", 1));
  slices.push_back(glm::CountSlice("patients in fits",
                                   "how many patients that estimate is from, 0 without one", rows));
  return slices;
}

}  // namespace

Query EncodeQuery(const MetaQuery& query) { return Query{Encode(QueryMessage{query})}; }

Result<MetaQuery> DecodeQuery(const Query& query, const MetaPlan& plan) {
  Result<QueryMessage> message = Decode<QueryMessage>(query.body);
  if (!message) {
    return Fail(ErrorCode::kInvalidArgument,
                "no query of this analysis: " + message.error().message);
  }
  MetaQuery& result = message->query;
  const std::size_t count = plan.model->names().size();
  const std::size_t later =
      result.step == Step::kSpread || result.step == Step::kRandom ? count : 0;
  const std::size_t variances = result.step == Step::kRandom ? count : 0;
  if (result.centres.size() != later || result.totals.size() != later ||
      result.variances.size() != variances) {
    return Fail(ErrorCode::kInvalidArgument, "the query is not for this number of coefficients");
  }
  if (!MakesSense(result)) {
    return Fail(ErrorCode::kInvalidArgument, "the query holds a number that makes no sense");
  }
  return std::move(result);
}

std::size_t NumbersPerCoefficient(Step step) {
  switch (step) {
    case Step::kFits:
      return 0;
    case Step::kWeights:
    case Step::kSpread:
      return 2;
    case Step::kRandom:
      return 3;
  }
  return 0;
}

/// With t a site's estimate, w its weight, |t| sqrt(w) at most Z by SiteModel::Fit, and S, c the
/// totals and centres of k fits: since c is the weighted mean, sum of w (t - c)^2 <= sum of w t^2
/// <= k Z^2, and so is each site's part; w <= S.
std::vector<Slice> DescribeQuery(const MetaQuery& query, const MetaPlan& plan) {
  std::vector<Slice> slices = CommonSlices(plan);
  const double heaviest = plan.model->largest_weight();
  const double spread = query.fits * kLargestStatistic * kLargestStatistic;
  switch (query.step) {
    case Step::kFits:
      break;
    case Step::kWeights:
      slices.push_back(OfEach("weights",
                              "for each coefficient, 1 over the square of the standard error of "
                              "this site's own estimate",
                              plan, heaviest));
      slices.push_back(OfEach("weighted estimates",
                              "for each coefficient, this site's own estimate times its weight",
                              plan, std::sqrt(heaviest) * kLargestStatistic));
      break;
    case Step::kSpread:
      slices.push_back(OfEach("squared shares",
                              "for each coefficient, the square of this site's share of all sites' "
                              "weight",
                              plan, 1));
      slices.push_back(OfEach("spread",
                              "for each coefficient, how far this site's own estimate is from the "
                              "common one, squared and weighted",
                              plan, spread));
      break;
    case Step::kRandom:
      slices.push_back(OfEach("random weights",
                              "for each coefficient, this site's weight once the estimates' spread "
                              "between sites is allowed for",
                              plan, 1));
      slices.push_back(OfEach("random deviations",
                              "for each coefficient, how far this site's own estimate is from the "
                              "common one, times that weight",
                              plan, std::sqrt(query.fits) * kLargestStatistic));
      slices.push_back(OfEach("random spread",
                              "for each coefficient, the same distance squared, times that weight",
                              plan, spread));
      break;
  }
  return slices;
}

}  // namespace consilium::meta
