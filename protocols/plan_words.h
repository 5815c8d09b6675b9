#pragma once

// A plan in plain words, part by part, for the pages that show it to whoever decides on it.

#include <string>
#include <utility>
#include <vector>

#include "protocols/plan.h"

namespace consilium {

/// A column that the analysis reads, and what it is: "age", "number from 18 to 110 a".
using ColumnWords = std::pair<std::string, std::string>;

/// In the analysis's order; a series of columns is one.
std::vector<ColumnWords> ColumnsInWords(const Plan& plan);
/// The rules that a patient must all satisfy: "age at least 18".
std::vector<std::string> EligibilityInWords(const Plan& plan);
/// What becomes of rows with missing values.
std::string GapsInWords(const Plan& plan);
/// Of the program that learns in place of our own code; empty where none does.
std::string TrainerInWords(const Plan& plan);
/// "one vector of sums ...": what leaves in each round, and in how many.
std::string RoundsInWords(const Plan& plan);
/// How large one of the slice's numbers can be: "whole numbers up to 100000"; empty if unknown.
std::string BoundInWords(const Slice& slice);
/// Of the sketches that a plan may ask for beside the masked vector; empty where it does not.
std::vector<std::string> SketchesInWords(const Plan& plan);
/// Noise and what it promises, or that there is none.
std::string PrivacyInWords(const Plan& plan);
/// Who takes part, when a total is opened, what happens without a hospital, who gets the result.
std::vector<std::string> ThresholdsInWords(const Plan& plan);

/// What could go wrong for this hospital and its patients although everybody keeps to the plan.
struct PlanRisk {
  std::string title;  ///< "A small federation"
  std::string words;
};
std::vector<PlanRisk> RisksInWords(const Plan& plan);

}  // namespace consilium
