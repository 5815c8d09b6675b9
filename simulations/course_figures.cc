#include "simulations/course_figures.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "common/pages/html_page.h"
#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

/// One sum of a round over another.
struct CourseMeasure {
  const char* heading;
  const char* unit;
  const char* of;
  const char* over;
};

constexpr CourseMeasure kMeasures[] = {
    {"Deviance by round", "deviance a patient", "deviance", "rows"},
    {"Loss on rows that are learned from", "mean loss", "training loss", "rows in the loss"},
    {"Accuracy on rows that are learned from", "share right", "training hits", "rows in the loss"},
    {"Loss on held-out rows", "mean loss", "held-out loss", "held-out rows"},
    {"Accuracy on held-out rows", "share right", "held-out hits", "held-out rows"},
    {"Concordance on rows that are learned from", "C-index", "training pairs in order",
     "training pairs"},
    {"Concordance on held-out rows", "C-index", "held-out pairs in order", "held-out pairs"},
};

/// A run's values, from the first round that has one to the last.
struct Course {
  std::uint32_t first = 0;
  std::vector<double> values;

  double At(std::uint32_t round) const {
    return values[std::min<std::size_t>(round - first, values.size() - 1)];
  }
};

Course CourseOf(const Trial& trial, const CourseMeasure& measure) {
  Course course;
  for (const RoundRecord& round : trial.rounds) {
    const std::optional<double> value = RatioOf(round, measure.of, measure.over);
    if (!value) continue;
    if (course.values.empty()) course.first = round.round;
    course.values.push_back(*value);
  }
  return course;
}

std::vector<BandPoint> BandOf(const std::vector<Course>& courses) {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  for (const Course& course : courses) {
    first = std::max(first, course.first);
    last = std::max(last, course.first + static_cast<std::uint32_t>(course.values.size()) - 1);
  }
  std::vector<BandPoint> band;
  for (std::uint32_t round = first; round <= last && !courses.empty(); ++round) {
    BandPoint point{static_cast<double>(round), 0, courses[0].At(round), courses[0].At(round)};
    for (const Course& course : courses) {
      const double value = course.At(round);
      point.y += value / static_cast<double>(courses.size());
      point.low = std::min(point.low, value);
      point.high = std::max(point.high, value);
    }
    band.push_back(point);
  }
  return band;
}

std::vector<BandCurve> CurvesOf(const Campaign& campaign, const CourseMeasure& measure) {
  std::vector<BandCurve> curves;
  for (std::size_t i = 0; i < campaign.experiments.size() && i < kMostPlotted; ++i) {
    std::vector<Course> courses;
    for (const Trial& trial : campaign.trials) {
      if (trial.combination != i || trial.error) continue;
      Course course = CourseOf(trial, measure);
      if (!course.values.empty()) courses.push_back(std::move(course));
    }
    curves.push_back({ShortName(campaign.experiments[i]), BandOf(courses)});
  }
  return curves;
}

}  // namespace

std::string CourseFigures(const Campaign& campaign) {
  std::string figures;
  for (const CourseMeasure& measure : kMeasures) {
    const std::vector<BandCurve> curves = CurvesOf(campaign, measure);
    const bool worth_it = std::any_of(curves.begin(), curves.end(), [](const BandCurve& curve) {
      return curve.points.size() > 1;
    });
    if (!worth_it) continue;
    figures += Figure(measure.heading, BandPlot(measure.heading, "round", measure.unit, curves));
  }
  if (figures.empty()) return {};
  return Paragraph(
             "A line is the mean over seeds, the band about it goes from the smallest to the "
             "largest of them; a run that ended earlier counts with its last value.") +
         Grid(figures);
}

}  // namespace consilium
