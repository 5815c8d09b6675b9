#include "protocols/analyses/train/server.h"

#include <gtest/gtest.h>

namespace consilium::train {
namespace {

struct Course {
  Strategy strategy;
  ServerSettings settings;
  double first;  ///< Where the two parameters must be after three updates.
  double second;
};

/// The numbers were computed by a program of its own from the papers' formulas, in another
/// language.
TEST(ServerTest, StepsAreThoseOfThePapers) {
  const ServerSettings adaptive{.learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .tau = 1e-3};
  const std::vector<Course> courses = {
      {Strategy::kFedAvg, {}, 1.4, -0.9},
      {Strategy::kFedProx, {}, 1.4, -0.9},
      {Strategy::kFedAvgM, {.momentum = 0.9}, 2.345, -1.0575},
      {Strategy::kFedAdam, adaptive, 1.257621960616274, -1.0480280756320897},
      {Strategy::kFedYogi, adaptive, 1.256674256073853, -1.0482633522449463},
      {Strategy::kFedAdagrad,
       {.learning_rate = 0.1, .tau = 1e-3},
       1.0829251583314063,
       -1.0103073458699017}};
  for (const Course& course : courses) {
    SCOPED_TRACE(NameOf(course.strategy));
    Server server(course.strategy, course.settings, 2);
    std::vector<float> parameters = {1, -1};
    for (const std::vector<double>& update :
         {std::vector<double>{0.5, -0.25}, {0.1, 0.3}, {-0.2, 0.05}}) {
      server.Step(update, parameters);
    }
    // Parameters are kept in single precision between rounds.
    EXPECT_NEAR(static_cast<double>(parameters[0]), course.first, 3e-7);
    EXPECT_NEAR(static_cast<double>(parameters[1]), course.second, 3e-7);
  }
}

}  // namespace
}  // namespace consilium::train
