#pragma once

// kind = "train" in a plan with [privacy.dp]: private_steps.h and private_course.h as an analysis,
// to which MakePrivate adds the noise.

#include <memory>

#include "common/settings.h"
#include "protocols/analyses/train/settings.h"
#include "protocols/analysis.h"

namespace consilium::train {

/// `analysis` is the plan's table, for the places of errors; see CheckPrivate.
Result<std::shared_ptr<const Analysis>> MakePrivateTrain(const TrainPlan& plan,
                                                         PrivacyUnit unit,
                                                         const Settings& analysis);

}  // namespace consilium::train
