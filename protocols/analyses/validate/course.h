#pragma once

// One model's way: fitted to the training rows of a fold, judged on them, judged on the rows that
// it has not seen.

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/validate/model.h"
#include "protocols/analyses/validate/parts.h"
#include "protocols/analyses/validate/query.h"
#include "protocols/analyses/validate/settings.h"
#include "protocols/federation.h"

namespace consilium::validate {

/// What became of one fold. Of the model of all rows nothing is held out.
struct FoldResult {
  Sizes training;
  Sizes held_out;
  std::string left_out;  ///< Why nothing of it is asked or shown; empty if it is.
  std::string trouble;   ///< Why there are no measures, if there are none although it was asked.
  std::optional<Fitted> fit;
  std::optional<Judged> on_training;  ///< Not its calibration.
  std::optional<Judged> on_held_out;
};

class Course {
 public:
  /// Plan and result must outlive it.
  Course(const ValidatePlan& plan, Fold fold, FoldResult& result)
      : plan_(plan), fold_(fold), result_(result) {}

  /// Fills the result. A model without an estimate is a trouble, of all rows kNotEstimable;
  /// kCorrupt for sums that cannot be.
  Status Run(Federation& federation);
  /// What a query of the running course is to the sites.
  Question QuestionOf(Query query) const;

 private:
  Status Fit(Federation& federation);
  Status Judge(Federation& federation);

  const ValidatePlan& plan_;
  const Fold fold_;
  FoldResult& result_;
  Phase phase_ = Phase::kFit;
};

}  // namespace consilium::validate
