#pragma once

// What a plan with kind = "validate" says, checked: the model, how it is validated, and the parts
// of the rows that come of that.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/settings.h"
#include "protocols/analyses/validate/model.h"

namespace consilium::validate {

enum class Method : std::uint8_t {
  kFolds,           ///< Patients are dealt into folds; each is held out once.
  kLeaveOneSiteOut  ///< Each of the named sites is held out once.
};

struct ValidatePlan {
  std::unique_ptr<Model> model;
  Method method = Method::kFolds;
  std::uint32_t folds = 5;         ///< Times that something is held out; of both methods.
  std::uint64_t seed = 1;          ///< Of the patients' folds.
  std::vector<std::string> sites;  ///< Left out one after the other; `folds` names.
  /// Patients, events and others of what is asked about.
  std::uint64_t minimum_count = 5;
  /// Of patients' folds: what is held out, and the rest, has rows at so many sites, or is not
  /// looked at.
  std::uint32_t minimum_sites = 3;

  const glm::Design& design() const { return model->design(); }
  /// Of the model, with the intercept if it has one.
  std::size_t coefficients() const { return model->regression().parameters(); }
};

/// The fold held out at some time, from 1; 0 where nothing is.
using Fold = std::uint32_t;
inline constexpr Fold kNothingHeldOut = 0;

/// "fold 3", or the name of the site.
std::string NameOf(const ValidatePlan& plan, Fold fold);
/// "all rows", "training rows of fold 3", "all but basel".
std::string TrainingName(const ValidatePlan& plan, Fold fold);
/// What there must be enough of: "patients, events or others".
std::string SmallInWords(const ValidatePlan& plan);
/// "held-out rows of fold 3", "basel alone".
std::string HeldOutName(const ValidatePlan& plan, Fold fold);

/// The [analysis] table. `minimum_sites` is the plan's. Errors carry line and column.
Result<ValidatePlan> ParseValidatePlan(const Settings& settings,
                                       const Contract& contract,
                                       std::uint32_t minimum_sites);

}  // namespace consilium::validate
