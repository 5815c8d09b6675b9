#pragma once

#include "protocols/analyses/train/course.h"

namespace consilium::train {

/// Models up to this size stand in result.json number by number, others as base64.
inline constexpr std::size_t kMostParametersInJson = 20'000;

AnalysisResult Render(const Trained& trained, const TrainPlan& plan);

/// "logistic model of disease on age and sex, trained by fedavg"
std::string ModelInWords(const TrainPlan& plan);

}  // namespace consilium::train
