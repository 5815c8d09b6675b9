#pragma once

// What a site measures of a model of the time to an event, in place of a row's losses and hits.

#include <span>

#include "protocols/analyses/train/local.h"
#include "protocols/analyses/train/query.h"

namespace consilium::train {

/// Of the round's model, on the rows that are learned from and on those held out; with ditto also
/// of the site's `own` model, which is empty before its first round.
void AddComparisons(const TrainPlan& plan,
                    const SiteRows& rows,
                    std::span<const float> model,
                    std::span<const float> own,
                    Learner& learner,
                    const Numbers& numbers);

}  // namespace consilium::train
