#include "protocols/analyses/validate/settings.h"

#include <algorithm>

#include "common/check.h"
#include "protocols/analyses/evaluate/settings.h"
#include "protocols/roster.h"

namespace consilium::validate {
namespace {

constexpr std::int64_t kMostFolds = 20;
constexpr std::size_t kMostSites = 100;

constexpr const char* kFolds = "folds";
constexpr const char* kLeaveOneSiteOut = "leave-one-site-out";

/// A key of the other method would be a wish that is not fulfilled.
Status RefuseKeys(const Settings& settings,
                  const std::vector<const char*>& keys,
                  const std::string& method) {
  for (const char* key : keys) {
    if (settings.Has(key)) {
      return settings.FailAt(
          key, "'" + std::string(key) + "' does nothing with method = \"" + method + "\"",
          "leave the key out, or choose the other method");
    }
  }
  return {};
}

Status ParseFolds(const Settings& settings, ValidatePlan& plan) {
  TRY_STATUS(RefuseKeys(settings, {"sites"}, kFolds));
  TRY(const std::int64_t folds, settings.IntegerBetween("folds", 2, kMostFolds, 5));
  plan.folds = static_cast<std::uint32_t>(folds);
  TRY(const std::int64_t seed, settings.IntegerOr("seed", 1));
  if (seed < 0) return settings.FailValueAt("seed", "it must be at least 0");
  plan.seed = static_cast<std::uint64_t>(seed);
  return {};
}

Status ParseSites(const Settings& settings, ValidatePlan& plan) {
  TRY_STATUS(RefuseKeys(settings, {"folds", "seed"}, kLeaveOneSiteOut));
  TRY(plan.sites, settings.Texts("sites"));
  if (plan.sites.empty() || plan.sites.size() > kMostSites) {
    return settings.FailValueAt("sites", "it must name 1 to 100 sites");
  }
  for (const std::string& site : plan.sites) {
    if (const Status name = CheckName("a site", site); !name) {
      return settings.FailAt("sites", name.error().message,
                             "name sites as the federation's roster does");
    }
    if (std::count(plan.sites.begin(), plan.sites.end(), site) > 1) {
      return settings.FailAt("sites", "\"" + site + "\" is named twice");
    }
  }
  plan.folds = static_cast<std::uint32_t>(plan.sites.size());
  return {};
}

}  // namespace

std::string NameOf(const ValidatePlan& plan, Fold fold) {
  CHECK(fold >= 1 && fold <= plan.folds);
  return plan.method == Method::kFolds ? "fold " + std::to_string(fold) : plan.sites[fold - 1];
}

std::string TrainingName(const ValidatePlan& plan, Fold fold) {
  if (fold == kNothingHeldOut) return "all rows";
  return (plan.method == Method::kFolds ? "training rows of " : "all but ") + NameOf(plan, fold);
}

std::string SmallInWords(const ValidatePlan& plan) {
  return plan.model->layout().has_events ? "patients, events or others" : "patients";
}

std::string HeldOutName(const ValidatePlan& plan, Fold fold) {
  return plan.method == Method::kFolds ? "held-out rows of " + NameOf(plan, fold)
                                       : NameOf(plan, fold) + " alone";
}

Result<ValidatePlan> ParseValidatePlan(const Settings& settings,
                                       const Contract& contract,
                                       std::uint32_t minimum_sites) {
  ValidatePlan plan;
  plan.minimum_sites = minimum_sites;
  TRY(const std::string method,
      settings.ChoiceOr("method", {kFolds, kLeaveOneSiteOut}, std::string(kFolds)));
  plan.method = method == kFolds ? Method::kFolds : Method::kLeaveOneSiteOut;
  TRY_STATUS(plan.method == Method::kFolds ? ParseFolds(settings, plan)
                                           : ParseSites(settings, plan));
  TRY(plan.minimum_count, evaluate::ParseMinimumCount(settings));
  TRY(plan.model, MakeModel(settings, contract));
  return plan;
}

}  // namespace consilium::validate
