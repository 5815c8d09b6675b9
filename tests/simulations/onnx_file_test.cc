// ONNX files against the format's own rules, and as another program reads them (OpenCV's reader of
// networks, which shares no code with ours) against our own network.

#include "simulations/onnx_file.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>
#include <opencv2/dnn.hpp>

#include "common/files.h"
#include "common/random.h"
#include "tests/protocols/analyses/train/train_testing.h"

namespace consilium::testing {
namespace {

using train::Loss;
using train::Network;
using train::ReleasedInput;
using train::ReleasedModel;

/// Both compute in single precision (2^-24 = 6e-8) and add up to a thousand products a layer in
/// different orders; the file also subtracts and divides in single precision, ours in double. That
/// is some 1e-6 of the largest number on the way.
constexpr double kSinglePrecision = 1e-5;

/// A row a patient, in the contract's units.
using Patients = std::vector<std::vector<double>>;

std::vector<double> Softmax(const std::vector<double>& logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> probabilities;
  double sum = 0;
  for (const double logit : logits) {
    probabilities.push_back(std::exp(logit - largest));
    sum += probabilities.back();
  }
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

/// What the released model predicts, by the network that sites train and documented formulas.
Patients OwnPredictions(const ReleasedModel& model, const Patients& patients) {
  std::vector<float> rows;
  for (const std::vector<double>& patient : patients) {
    for (std::size_t j = 0; j < patient.size(); ++j) {
      const ReleasedInput& input = model.inputs[j];
      rows.push_back(static_cast<float>((patient[j] - input.centre) / input.scale));
    }
  }
  const std::vector<float> outputs = train::OutputsOf(model.network, model.parameters, rows);
  const std::size_t width = model.network.outputs;
  Patients predictions;
  for (std::size_t i = 0; i < patients.size(); ++i) {
    std::vector<double> logits;
    for (std::size_t k = 0; k < width; ++k) {
      logits.push_back(static_cast<double>(outputs[i * width + k]));
    }
    switch (model.network.loss) {
      case Loss::kSquared:
        predictions.push_back({logits[0] * model.outcome_scale + model.outcome_centre});
        break;
      case Loss::kBinary:
        predictions.push_back({1 / (1 + std::exp(logits[0])), 1 / (1 + std::exp(-logits[0]))});
        break;
      case Loss::kCategories:
        predictions.push_back(Softmax(logits));
    }
  }
  return predictions;
}

Patients TheirPredictions(ByteSpan file, const Patients& patients) {
  cv::dnn::Net net = cv::dnn::readNetFromONNX(AsText(file).data(), file.size());
  cv::Mat rows(static_cast<int>(patients.size()), static_cast<int>(patients[0].size()), CV_32F);
  for (std::size_t i = 0; i < patients.size(); ++i) {
    for (std::size_t j = 0; j < patients[i].size(); ++j) {
      rows.at<float>(static_cast<int>(i), static_cast<int>(j)) =
          static_cast<float>(patients[i][j]);
    }
  }
  net.setInput(rows, "features");
  const cv::Mat found = net.forward();
  Patients predictions;
  for (int i = 0; i < found.rows; ++i) {
    predictions.emplace_back(found.ptr<float>(i), found.ptr<float>(i) + found.cols);
  }
  return predictions;
}

onnx::ModelProto Parsed(ByteSpan file) {
  onnx::ModelProto parsed;
  EXPECT_TRUE(parsed.ParseFromString(std::string(AsText(file))));
  return parsed;
}

/// The format's rules, and that every operator makes the shape which the next one needs and the
/// file declares.
void ExpectValid(ByteSpan file) {
  onnx::ModelProto parsed = Parsed(file);
  EXPECT_NO_THROW(onnx::checker::check_model(parsed));
  const onnx::ShapeInferenceOptions strict(/*check_type=*/true, /*strict_mode=*/1);
  EXPECT_NO_THROW(onnx::shape_inference::InferShapes(
      parsed, onnx::OpSchemaRegistry::Instance(), strict));
}

/// Returns the largest difference.
double ExpectSamePredictions(const ReleasedModel& model, const Patients& patients) {
  const Bytes file = OnnxOf(model);
  ExpectValid(file);
  const Patients ours = OwnPredictions(model, patients);
  const Patients theirs = TheirPredictions(file, patients);
  EXPECT_EQ(theirs.size(), ours.size());
  double largest = 0;
  double difference = 0;
  for (std::size_t i = 0; i < std::min(ours.size(), theirs.size()); ++i) {
    EXPECT_EQ(theirs[i].size(), ours[i].size());
    for (std::size_t k = 0; k < std::min(ours[i].size(), theirs[i].size()); ++k) {
      largest = std::max(largest, std::abs(ours[i][k]));
      difference = std::max(difference, std::abs(ours[i][k] - theirs[i][k]));
    }
  }
  EXPECT_GT(largest, 0);
  EXPECT_LE(difference, kSinglePrecision * largest);
  return difference / largest;
}

/// A network with drawn weights, biases, scales and levels.
ReleasedModel Drawn(const Network& network, std::uint64_t seed) {
  SeededRandom random(seed);
  ReleasedModel model;
  model.kind = network.layers[0].kind == train::Layer::Kind::kConvolution ? "cnn" : "mlp";
  model.network = network;
  for (std::size_t j = 0; j < network.inputs; ++j) {
    model.inputs.push_back({"x" + std::to_string(j), "", "", "", 20 * random.Unit() - 10,
                            0.5 + 5 * random.Unit()});
  }
  // Of the size that keeps outputs near 1 from layer to layer.
  for (const train::Layer& layer : network.layers) {
    const double size = std::sqrt(12.0 / static_cast<double>(std::max<std::size_t>(
                                             layer.weights() / std::max<std::size_t>(
                                                                   layer.biases(), 1),
                                             1)));
    for (std::size_t i = 0; i < layer.parameters(); ++i) {
      model.parameters.push_back(static_cast<float>(size * (random.Unit() - 0.5)));
    }
  }
  model.outcome = "y";
  if (network.loss == Loss::kSquared) {
    model.outcome_centre = 120;
    model.outcome_scale = 15;
  } else {
    const std::size_t levels = std::max<std::size_t>(network.outputs, 2);
    for (std::size_t k = 0; k < levels; ++k) model.levels.push_back(std::to_string(k));
  }
  return model;
}

Patients DrawnPatients(const ReleasedModel& model, std::size_t count, std::uint64_t seed) {
  SeededRandom random(seed);
  Patients patients(count);
  for (std::vector<double>& patient : patients) {
    for (const ReleasedInput& input : model.inputs) {
      patient.push_back(input.centre + input.scale * (4 * random.Unit() - 2));
    }
  }
  return patients;
}

void CheckDrawn(const Network& network, const std::string& what) {
  SCOPED_TRACE(what);
  double worst = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const ReleasedModel model = Drawn(network, seed);
    worst = std::max(worst, ExpectSamePredictions(model, DrawnPatients(model, 40, seed)));
  }
  std::cout << what << ": " << worst << "\n";
}

TEST(OnnxFileTest, DenseNetworksPredictTheSameElsewhere) {
  for (const Loss loss : {Loss::kSquared, Loss::kBinary, Loss::kCategories}) {
    const std::size_t outputs = loss == Loss::kCategories ? 4 : 1;
    const std::string name = "loss " + std::to_string(static_cast<int>(loss));
    CheckDrawn(train::MakeDenseNetwork(1, {}, outputs, loss), name + ", one feature");
    CheckDrawn(train::MakeDenseNetwork(30, {}, outputs, loss), name + ", no hidden layer");
    CheckDrawn(train::MakeDenseNetwork(13, {17, 5, 9}, outputs, loss), name + ", hidden layers");
    CheckDrawn(train::MakeDenseNetwork(784, {200}, outputs, loss), name + ", wide");
  }
}

/// Pictures that are not square, with several channels, where pooling leaves a line or column out.
TEST(OnnxFileTest, PictureNetworksPredictTheSameElsewhere) {
  const train::Picture pictures[] = {
      {8, 8, 1, 3, {4}}, {11, 8, 1, 3, {3}}, {9, 12, 3, 2, {5, 4}}, {7, 5, 2, 1, {3}},
      {28, 28, 1, 5, {12, 24}}};
  for (const train::Picture& picture : pictures) {
    for (const Loss loss : {Loss::kSquared, Loss::kBinary, Loss::kCategories}) {
      const std::size_t outputs = loss == Loss::kCategories ? 3 : 1;
      const std::string name = std::to_string(picture.height) + " x " +
                               std::to_string(picture.width) + " x " +
                               std::to_string(picture.channels) + ", loss " +
                               std::to_string(static_cast<int>(loss));
      CheckDrawn(train::MakePictureNetwork(picture, {}, outputs, loss), name);
      CheckDrawn(train::MakePictureNetwork(picture, {7}, outputs, loss), name + ", hidden");
    }
  }
}

/// Trains, and reads the released result back.
ReleasedModel Trained(const Plan& plan, std::vector<Cohort> sites) {
  return train::ReadReleasedModel(RunOn(plan, std::move(sites)).result.json).value();
}

Patients PatientsOf(const std::vector<Cohort>& sites) {
  Patients patients;
  for (const Cohort& site : sites) {
    for (Eigen::Index i = 0; i < site.values.rows(); ++i) {
      patients.emplace_back(site.values.row(i).begin() + 1, site.values.row(i).end());
    }
  }
  return patients;
}

TEST(OnnxFileTest, TrainedModelsPredictTheSameElsewhere) {
  const std::pair<const char*, const char*> studies[] = {
      {"ill", "model = \"logistic\"\nrounds = 5"},
      {"ill", "model = \"mlp\"\nhidden = [8]\nrounds = 5\nstandardise = \"range\""},
      {"group", "model = \"logistic\"\nrounds = 5\nstrategy = \"scaffold\""},
      {"group", "model = \"mlp\"\nhidden = [16, 8]\nrounds = 5\nstrategy = \"ditto\""},
      {"pressure", "model = \"linear\"\nrounds = 5"},
      {"pressure", "model = \"mlp\"\nhidden = [8]\nrounds = 5"},
      {"pressure", "model = \"linear\"\nrounds = 2\nlearning_rate = 1e-5\n"
                   "standardise = \"none\""}};
  for (const auto& [outcome, rest] : studies) {
    SCOPED_TRACE(rest);
    const Plan plan = TrainPlanOf(outcome, rest);
    const std::vector<Cohort> sites = TrainSites(plan, 3);
    ExpectSamePredictions(Trained(plan, sites), PatientsOf(sites));
  }
}

}  // namespace
}  // namespace consilium::testing
