#pragma once

// What a plan of kind "train" can make a sum hold of single patients' rows, as far as plan and
// numbers of rows tell. A finding is no proof of a leak, and none is no proof that there is none.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "protocols/analyses/train/settings.h"

namespace consilium::train {

enum class MemorisingRisk {
  kFewRows,     ///< An update meets fewer patients than a site asks for.
  kFirstLayer,  ///< A layer is wide enough to set single rows of a sum apart.
  kClip,        ///< A lying site may move the model wherever it likes.
  kManySums     ///< All sums together have more numbers than the rows.
};

struct MemorisingFinding {
  MemorisingRisk risk = MemorisingRisk::kFewRows;
  std::string words;
};

/// How many of `rows` rows fall alone into one of `cells` equal cells, in the mean:
/// n (1 - 1/k)^(n - 1). Of a layer whose units cut one quantity into cells, so many rows can be
/// read off the layer's weights and biases (Fowl, Geiping, Czaja, Goldblum and Goldstein 2022,
/// "Robbing the Fed", section 4.1).
double RowsAlone(double rows, double cells);

/// What findings are about.
struct SiteInSum {
  std::uint64_t rows = 0;      ///< Of the site.
  std::uint64_t patients = 0;  ///< Whose rows they are.
  std::uint32_t sites = 0;     ///< In a sum, at least.
  std::uint64_t fewest = 0;    ///< Patients that an update must meet.
};

/// None where the plan's model is a program's own.
std::vector<MemorisingFinding> MemorisingFindings(const TrainPlan& plan, const SiteInSum& site);

/// Whether a finding of this kind is reason enough not to answer: a row can be read from a sum
/// without anybody lying but the plan. The others are for people to know.
bool IsGrave(MemorisingRisk risk);

}  // namespace consilium::train
