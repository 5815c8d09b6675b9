#pragma once

// The site's half: sums over its rows in row order, in plain scalar loops, so that the same cohort
// gives the same bits with every compiler.

#include "common/result.h"
#include "protocols/analyses/glm/query.h"

namespace consilium::glm {

Result<Contribution> AnswerQuery(const GlmQuery& query,
                                 const Design& design,
                                 const Family& family,
                                 const Cohort& cohort);

}  // namespace consilium::glm
