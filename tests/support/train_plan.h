#pragma once

#include <gtest/gtest.h>

#include "common/settings.h"
#include "protocols/analyses/train/settings.h"
#include "protocols/plan.h"

namespace consilium::testing {

/// What training reads in the plan's [analysis] table.
inline train::TrainPlan TrainPlanIn(const Plan& plan) {
  const Settings file = Settings::Parse(plan.text, "plan.toml").value();
  const Settings analysis = file.Table("analysis").value();
  EXPECT_EQ(analysis.Text("kind").value(), "train");
  return train::ParseTrainPlan(analysis, plan.contract).value();
}

}  // namespace consilium::testing
