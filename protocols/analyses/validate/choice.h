#pragma once

// Which folds are looked at: of a part of the rows that is too small nothing is asked.

#include <string>
#include <vector>

#include "protocols/analyses/validate/parts.h"
#include "protocols/analyses/validate/settings.h"

namespace consilium::validate {

/// Of what one fold holds out, summed over all sites.
struct FoldSizes {
  Sizes held_out;
  double sites = 0;           ///< That add such rows to sums, by Model::Adds.
  double training_sites = 0;  ///< That add others.
};

/// For each fold why it is left out; empty for those that are looked at. What is held out, and what
/// is left to fit the model to, must have enough patients and be large by evaluate::IsLarge; of
/// patients' folds both must lie at `minimum_sites` sites. Since all rows less those of the folds
/// that are looked at are the rest's, the smallest folds go with the rest until that is so of the
/// rest, too.
std::vector<std::string> ReasonsToLeaveOut(const ValidatePlan& plan,
                                           const Sizes& all,
                                           const std::vector<FoldSizes>& folds);

}  // namespace consilium::validate
