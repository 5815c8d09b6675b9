#include "protocols/analyses/train/released_model.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/protocols/analyses/train/train_testing.h"

namespace consilium::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using train::Loss;
using train::ReadReleasedModel;
using train::ReleasedModel;

std::string Pixels(std::size_t count) {
  return "[[contract.column]]\nname = \"pixel\"\ntype = \"number\"\nrange = [0, 255]\ncount = " +
         std::to_string(count) + "\n";
}

/// A plan for pictures of 4 lines, 5 pixels and 2 channels.
Plan PicturePlan() {
  return PlanOf(Boolean("ill") + Pixels(40),
                "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"pixel\"]\nmodel = \"cnn\"\n"
                "image = [4, 5, 2]\nwindow = 2\nfilters = [3]\nhidden = [2]\nrounds = 1\n"
                "standardise = \"range\"");
}

/// Three sites with these rows, the outcome first.
std::vector<Cohort> SitesOf(const Plan& plan,
                            int rows,
                            const std::function<double(int row, int column)>& value) {
  Cohort cohort;
  cohort.columns = plan.analysis->columns();
  cohort.values.resize(rows, static_cast<Eigen::Index>(cohort.columns.size()));
  cohort.patients = static_cast<std::uint64_t>(rows);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < cohort.values.cols(); ++j) cohort.values(i, j) = value(i, j);
  }
  return {cohort, cohort, cohort};
}

Json PictureResult(const Plan& plan) {
  SeededRandom random(1);
  return RunOn(plan, SitesOf(plan, 30,
                             [&](int row, int column) {
                               return column == 0 ? row % 2 : 255 * random.Unit();
                             }))
      .json;
}

Json TrainedResult(const std::string& outcome, const std::string& rest) {
  const Plan plan = TrainPlanOf(outcome, rest);
  return RunOn(plan, TrainSites(plan, 3)).json;
}

TEST(ReleasedModelTest, IsWhatWasTrained) {
  const Json result = TrainedResult("group", "model = \"mlp\"\nhidden = [3]\nrounds = 2");
  const ReleasedModel model = ReadReleasedModel(result.dump()).value();
  EXPECT_EQ(model.kind, "mlp");
  EXPECT_EQ(model.strategy, "fedavg");
  EXPECT_EQ(model.standardise, "federation");
  EXPECT_EQ(model.network.loss, Loss::kCategories);
  EXPECT_EQ(model.network.layers.size(), 2u);
  EXPECT_EQ(model.outcome, "group");
  EXPECT_THAT(model.levels, ElementsAre("a", "b", "c"));
  const std::vector<double> numbers = ParametersOf(result);
  EXPECT_EQ(model.parameters, std::vector<float>(numbers.begin(), numbers.end()));
  ASSERT_EQ(model.inputs.size(), 2u);
  EXPECT_EQ(model.inputs[1].name, "age");
  EXPECT_EQ(model.inputs[1].centre, result["model"]["inputs"][1]["centre"].get<double>());
  EXPECT_EQ(model.inputs[1].scale, result["model"]["inputs"][1]["scale"].get<double>());
}

TEST(ReleasedModelTest, TellsHowEachInputIsMade) {
  const Plan plan = PlanOf(
      "[[contract.column]]\nname = \"weight\"\ntype = \"number\"\n"
      "unit = \"kg\"\nrange = [30, 200]\n" +
          Category("stage", {"I", "II", "III"}) + Boolean("ill"),
      "kind = \"train\"\noutcome = \"ill\"\nfeatures = [\"weight\", "
      "\"stage\"]\nmodel = \"logistic\"\nrounds = 1");
  const std::vector<Cohort> sites = SitesOf(plan, 30, [](int row, int column) {
    return column == 0 ? row % 2 : column == 1 ? 50 + row : row % 3;
  });
  const ReleasedModel model = ReadReleasedModel(RunOn(plan, sites).json.dump()).value();
  ASSERT_EQ(model.inputs.size(), 3u);
  EXPECT_EQ(model.inputs[0].unit, "kg");
  EXPECT_EQ(model.inputs[0].column, "");
  EXPECT_EQ(model.inputs[2].name, "stage_III");
  EXPECT_EQ(model.inputs[2].column, "stage");
  EXPECT_EQ(model.inputs[2].level, "III");
}

TEST(ReleasedModelTest, ClassesAreNamedInTheModelsOrder) {
  const auto levels = [](const Json& result) {
    return ReadReleasedModel(result.dump()).value().levels;
  };
  const std::string logistic =
      "kind = \"train\"\nfeatures = [\"dose\"]\nmodel = \"logistic\"\n"
      "rounds = 1\noutcome = ";
  EXPECT_THAT(levels(TrainedResult("ill", "model = \"logistic\"\nrounds = 1")),
              ElementsAre("false", "true"));
  const std::pair<std::string, std::vector<std::string>> outcomes[] = {
      {Category("y", {"well", "ill"}), {"well", "ill"}}, {Number("y", 0, 1), {"0", "1"}}};
  for (const auto& [declared, expected] : outcomes) {
    const Plan plan = PlanOf(Number("dose", 0, 10) + declared, logistic + "\"y\"");
    const std::vector<Cohort> sites =
        SitesOf(plan, 20, [](int row, int column) { return column == 0 ? row % 2 : row % 7; });
    EXPECT_EQ(levels(RunOn(plan, sites).json), expected);
  }
}

TEST(ReleasedModelTest, ANumericOutcomeHasItsScale) {
  const Json result = TrainedResult("pressure", "model = \"linear\"\nrounds = 1");
  const ReleasedModel model = ReadReleasedModel(result.dump()).value();
  EXPECT_EQ(model.network.loss, Loss::kSquared);
  EXPECT_TRUE(model.levels.empty());
  EXPECT_EQ(model.outcome_centre, result["model"]["output"]["centre"].get<double>());
  EXPECT_EQ(model.outcome_scale, result["model"]["output"]["scale"].get<double>());
}

TEST(ReleasedModelTest, ACnnKnowsItsPicture) {
  const Json result = PictureResult(PicturePlan());
  const ReleasedModel model = ReadReleasedModel(result.dump()).value();
  EXPECT_EQ(model.kind, "cnn");
  EXPECT_EQ(model.network.layers[0].height, 4u);
  EXPECT_EQ(model.network.layers[0].width, 5u);
  EXPECT_EQ(model.network.layers[0].channels, 2u);
  EXPECT_EQ(model.network.layers[0].size, 2u);
  EXPECT_EQ(model.network.layers[0].filters, 3u);
  const std::vector<double> numbers = ParametersOf(result);
  EXPECT_EQ(model.parameters, std::vector<float>(numbers.begin(), numbers.end()));
}

TEST(ReleasedModelTest, WhatStayedAtTheSitesIsNotMadeUp) {
  Json by_program = TrainedResult("ill", "model = \"mlp\"\nhidden = [4]\nrounds = 1");
  by_program["model"]["kind"] = "trainer";
  by_program["model"]["trainer"] = "numpy-logistic";
  EXPECT_THAT(ReadReleasedModel(by_program.dump()).error().message,
              HasSubstr("only it knows what the numbers mean"));
  const Json personal =
      TrainedResult("ill", "model = \"mlp\"\nhidden = [4]\nrounds = 1\npersonal = [\"head\"]");
  const Result<ReleasedModel> without_head = ReadReleasedModel(personal.dump());
  ASSERT_FALSE(without_head.has_value());
  EXPECT_EQ(without_head.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(without_head.error().message, AllOf(HasSubstr("layer2"), HasSubstr("stayed")));
  EXPECT_THAT(without_head.error().remedy, HasSubstr("\"personal\""));

  const Json own_scales =
      TrainedResult("ill", "model = \"logistic\"\nrounds = 1\nstandardise = \"site\"");
  const Result<ReleasedModel> without_scales = ReadReleasedModel(own_scales.dump());
  ASSERT_FALSE(without_scales.has_value());
  EXPECT_EQ(without_scales.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(without_scales.error().remedy, HasSubstr("standardise = \"federation\""));
}

TEST(ReleasedModelTest, AFileThatWasCutShortIsCorrupt) {
  const std::string whole = TrainedResult("ill", "model = \"logistic\"\nrounds = 1").dump();
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    const Result<ReleasedModel> model = ReadReleasedModel(whole.substr(0, length));
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(model.error().remedy, "");
  }
}

/// Everything is taken out and replaced once: the model is refused or read, and never crashes.
void ChangeEverything(const Json& whole, const Json::json_pointer& place, std::size_t& refused) {
  const Json replacements[] = {nullptr,
                               "x",
                               -1,
                               0,
                               1e300,
                               1e-300,
                               4'000'000'000,
                               Json::array(),
                               Json::object(),
                               Json::array({1e300, 1e6})};
  const Json& here = whole.at(place);
  for (const Json& replacement : replacements) {
    Json changed = whole;
    changed[place] = replacement;
    if (!ReadReleasedModel(changed.dump())) ++refused;
  }
  if (here.is_object()) {
    for (const auto& [key, value] : here.items()) ChangeEverything(whole, place / key, refused);
  } else if (here.is_array()) {
    for (std::size_t i = 0; i < here.size(); ++i) ChangeEverything(whole, place / i, refused);
  }
}

TEST(ReleasedModelTest, ChangedDocumentsAreRefusedInWords) {
  Json result = PictureResult(PicturePlan());
  result.erase("curve");
  std::size_t refused = 0;
  ChangeEverything(result, Json::json_pointer(), refused);
  EXPECT_GT(refused, 1'000u);

  const std::pair<std::function<void(Json&)>, const char*> changes[] = {
      {[](Json& json) { json.erase("parameters"); }, "no result of training"},
      {[](Json& json) { json["parameters"].erase(1); }, "more or fewer layers"},
      {[](Json& json) {
         json["parameters"][0]["shape"] = {3, 8};
       },
       "another shape"},
      {[](Json& json) { json["parameters"][0]["values"][0] = 1e200; }, "no number"},
      {[](Json& json) { json["model"].erase("picture"); }, "\"height\""},
      {[](Json& json) { json["model"]["picture"]["window"] = 5; }, "does not fit"},
      {[](Json& json) { json["model"]["picture"]["filters"] = Json::array(); }, "does not fit"},
      {[](Json& json) { json["model"]["output"].erase("levels"); }, "\"levels\""},
      {[](Json& json) { json["model"]["output"]["levels"] = {"a"}; }, "no two levels"},
      {[](Json& json) { json["model"]["inputs"][3].erase("scale"); }, "\"pixel_4\""},
      {[](Json& json) { json["model"]["inputs"][3]["scale"] = 1e-60; }, "single precision"},
      {[](Json& json) { json["model"]["inputs"][3]["scale"] = -1; }, "single precision"},
      {[](Json& json) { json["model"]["hidden"] = Json(std::vector<int>(20, 1)); }, "\"hidden\""},
      {[](Json& json) { json["strategy"] = 3; }, "\"strategy\""}};
  for (const auto& [change, words] : changes) {
    Json changed = result;
    change(changed);
    const Result<ReleasedModel> model = ReadReleasedModel(changed.dump());
    ASSERT_FALSE(model.has_value()) << words;
    EXPECT_THAT(model.error().message, HasSubstr(words));
  }
}

}  // namespace
}  // namespace consilium::testing
