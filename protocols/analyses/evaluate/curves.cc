#include "protocols/analyses/evaluate/curves.h"

#include <algorithm>

namespace consilium::evaluate {
namespace {

/// The calibration curve has at most so many groups.
constexpr double kCalibrationGroups = 10;

struct Part {
  double events = 0;
  double others = 0;

  double rows() const { return events + others; }
  void Add(const Part& other) {
    events += other.events;
    others += other.others;
  }
};

/// Sums of `counts` over each merged bin.
std::vector<double> SumsOf(std::span<const double> counts, const std::vector<std::size_t>& ends) {
  std::vector<double> sums;
  std::size_t bin = 0;
  for (const std::size_t end : ends) {
    double sum = 0;
    for (; bin <= end; ++bin) sum += counts[bin];
    sums.push_back(sum);
  }
  return sums;
}

std::vector<DecisionPoint> DecisionCurve(const EvaluatePlan& plan,
                                         std::span<const double> events,
                                         std::span<const double> others,
                                         const std::vector<std::size_t>& ends) {
  const std::vector<double> merged_events = SumsOf(events, ends);
  const std::vector<double> merged_others = SumsOf(others, ends);
  Part all;
  for (std::size_t i = 0; i < ends.size(); ++i) all.Add({merged_events[i], merged_others[i]});
  std::vector<DecisionPoint> curve;
  Part below;
  for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
    below.Add({merged_events[i], merged_others[i]});
    DecisionPoint point;
    point.threshold = plan.LowerEnd(ends[i] + 1);
    const double odds = point.threshold / (1 - point.threshold);
    point.sensitivity = (all.events - below.events) / all.events;
    point.specificity = below.others / all.others;
    point.net_benefit =
        ((all.events - below.events) - (all.others - below.others) * odds) / all.rows();
    point.treat_all = (all.events - all.others * odds) / all.rows();
    curve.push_back(point);
  }
  return curve;
}

std::vector<CalibrationGroup> CalibrationCurve(const EvaluatePlan& plan,
                                               std::span<const double> events,
                                               std::span<const double> others,
                                               std::span<const double> predicted,
                                               const std::vector<std::size_t>& ends) {
  const std::vector<double> merged_events = SumsOf(events, ends);
  const std::vector<double> merged_others = SumsOf(others, ends);
  const std::vector<double> merged_predicted = SumsOf(predicted, ends);
  std::vector<CalibrationGroup> curve;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    CalibrationGroup group;
    group.from = i == 0 ? 0 : plan.LowerEnd(ends[i - 1] + 1);
    group.to = plan.LowerEnd(ends[i] + 1);
    group.events = merged_events[i];
    group.rows = merged_events[i] + merged_others[i];
    group.predicted = merged_predicted[i] / group.rows;
    group.observed = group.events / group.rows;
    group.limits = WilsonLimits(group.events, group.rows, plan.confidence);
    curve.push_back(group);
  }
  return curve;
}

}  // namespace

bool IsLarge(double rows, double events, double minimum) {
  const double others = rows - events;
  return rows >= minimum && (events == 0 || events >= minimum) &&
         (others == 0 || others >= minimum);
}

std::vector<std::size_t> MergeBins(std::span<const double> events,
                                   std::span<const double> others,
                                   double minimum,
                                   double rows) {
  const auto enough = [&](const Part& part) {
    return part.rows() >= rows && IsLarge(part.rows(), part.events, minimum);
  };
  std::vector<std::size_t> ends;
  std::vector<Part> closed;
  Part open;
  for (std::size_t bin = 0; bin < events.size(); ++bin) {
    open.Add({events[bin], others[bin]});
    if (!enough(open)) continue;
    ends.push_back(bin);
    closed.push_back(open);
    open = {};
  }
  // What is left is too little, or nothing: it joins those before.
  while (!closed.empty() && (open.rows() > 0 || ends.back() + 1 < events.size())) {
    open.Add(closed.back());
    closed.pop_back();
    ends.pop_back();
    if (!enough(open)) continue;
    ends.push_back(events.size() - 1);
    return ends;
  }
  if (ends.empty()) ends.push_back(events.size() - 1);
  return ends;
}

Curves DrawCurves(const EvaluatePlan& plan,
                  std::span<const double> events,
                  std::span<const double> others,
                  std::span<const double> predicted) {
  const auto minimum = static_cast<double>(plan.minimum_count);
  const std::vector<std::size_t> fine = MergeBins(events, others, minimum, minimum);
  Curves curves;
  curves.decision = DecisionCurve(plan, events, others, fine);
  const std::vector<double> fine_events = SumsOf(events, fine);
  const std::vector<double> fine_others = SumsOf(others, fine);
  double rows = 0;
  for (std::size_t i = 0; i < fine.size(); ++i) rows += fine_events[i] + fine_others[i];
  std::vector<std::size_t> wide =
      MergeBins(fine_events, fine_others, minimum, rows / kCalibrationGroups);
  for (std::size_t& end : wide) end = fine[end];
  curves.calibration = CalibrationCurve(plan, events, others, predicted, wide);
  return curves;
}

std::vector<bool> LeftOut(std::span<const double> rows,
                          std::span<const double> events,
                          double minimum) {
  std::vector<bool> left_out;
  double hidden_rows = 0;
  double hidden_events = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    left_out.push_back(rows[i] > 0 && !IsLarge(rows[i], events[i], minimum));
    if (!left_out.back()) continue;
    hidden_rows += rows[i];
    hidden_events += events[i];
  }
  while (hidden_rows > 0 && !IsLarge(hidden_rows, hidden_events, minimum)) {
    std::size_t smallest = rows.size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (left_out[i] || rows[i] == 0) continue;
      if (smallest == rows.size() || rows[i] < rows[smallest]) smallest = i;
    }
    if (smallest == rows.size()) break;
    left_out[smallest] = true;
    hidden_rows += rows[smallest];
    hidden_events += events[smallest];
  }
  return left_out;
}

}  // namespace consilium::evaluate
