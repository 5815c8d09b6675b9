#include "protocols/analyses/train/memorising.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace consilium::train {
namespace {

/// A hundred times the default clip: the weights of a layer with max(0, x) start at about one.
constexpr double kWideClip = 1'000;

std::string WholeText(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", number);
  return text;
}

/// Rows that one update is made of, in a round.
double RowsOfAnUpdate(const TrainPlan& plan, std::uint64_t rows) {
  const auto all = static_cast<double>(rows);
  if (plan.local.steps == 0) return all;
  return std::min(all,
                  static_cast<double>(plan.local.steps) * static_cast<double>(plan.local.batch));
}

/// The widest dense layer whose units are behind max(0, x): each has a weight for every input and a
/// bias, whose changes' quotient is the input where a single row reaches the unit.
std::size_t WidestLayer(const TrainPlan& plan) {
  std::size_t widest = 0;
  for (const Layer& layer : plan.network.layers) {
    if (layer.kind == Layer::Kind::kDense && layer.relu) widest = std::max(widest, layer.outputs);
  }
  return widest;
}

}  // namespace

double RowsAlone(double rows, double cells) {
  if (!(cells >= 1) || !(rows >= 1)) return 0;
  if (cells == 1) return rows == 1 ? 1 : 0;
  return rows * std::pow(1 - 1 / cells, rows - 1);
}

bool IsGrave(MemorisingRisk risk) {
  return risk == MemorisingRisk::kFewRows || risk == MemorisingRisk::kFirstLayer;
}

std::vector<MemorisingFinding> MemorisingFindings(const TrainPlan& plan, const SiteInSum& site) {
  std::vector<MemorisingFinding> findings;
  if (plan.trainer) return findings;
  const double parameters = static_cast<double>(plan.shared_parameters);
  const double sums = parameters * static_cast<double>(plan.rounds);
  const double held = static_cast<double>(site.rows) * static_cast<double>(plan.network.inputs + 1);
  if (sums > held) {
    findings.push_back(
        {MemorisingRisk::kManySums, "over all rounds the model's sums have " + WholeText(sums) +
                                        " numbers, and the rows here " + WholeText(held) +
                                        ": what a model has learnt by heart can be asked of it"});
  }
  if (plan.clip > kWideClip) {
    findings.push_back({MemorisingRisk::kClip,
                        "an update may be " + WholeText(plan.clip) +
                            " long (clip): one site that lies can set the model to weights that "
                            "pick rows out of the others' next updates (Boenisch et al. 2023)"});
  }
  const double met = RowsOfAnUpdate(plan, site.rows);
  const double in_sum = met * static_cast<double>(site.sites);
  const std::size_t widest = WidestLayer(plan);
  const double alone = RowsAlone(in_sum, static_cast<double>(widest));
  if (alone >= 1) {
    findings.push_back({MemorisingRisk::kFirstLayer,
                        "a layer of " + std::to_string(widest) +
                            " units behind max(0, x), with biases, can set about " +
                            WholeText(alone) + " of the " + WholeText(in_sum) +
                            " rows of a sum apart, each of which is then a quotient of its "
                            "numbers (Fowl et al. 2022)"});
  }
  // All repeated rows may be among those that it meets.
  const double repeats =
      std::max(0.0, static_cast<double>(site.rows) - static_cast<double>(site.patients));
  const double patients = met - repeats;
  if (plan.local.steps > 0 && patients < static_cast<double>(site.fewest)) {
    findings.push_back({MemorisingRisk::kFewRows,
                        "an update would meet " + WholeText(met) + " of the " +
                            std::to_string(site.rows) +
                            " rows here (local_steps times batch_size); it should meet those of "
                            "at least " +
                            std::to_string(site.fewest) + " patients"});
  }
  return findings;
}

}  // namespace consilium::train
