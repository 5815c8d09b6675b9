#pragma once

// Training under differential privacy, the coordinator's half: a deterministic function of the
// noised sums.

#include "protocols/analyses/train/course.h"
#include "protocols/analyses/train/private_steps.h"

namespace consilium::train {

/// A round's mean update D is, with the site as unit, the sum of updates over the number of sites;
/// with the patient as unit, -learning_rate times the sum of gradients over the number of rows,
/// less what `l2` takes off the weights. Then the strategy's step. Rows are counted with noise, so
/// by the mean of all rounds so far, a site; kNotEstimable while the noise in that is a third of
/// it.
Result<Trained> RunPrivateCourse(Federation& federation, const TrainPlan& plan, PrivacyUnit unit);

}  // namespace consilium::train
