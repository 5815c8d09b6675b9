#pragma once

// A trained model read back from its result.json: all that a program needs that uses it.

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "protocols/analyses/train/network.h"

namespace consilium::train {

/// One number of the model's input: a column's value, or 1 where a category has this level and 0
/// where it has another. It enters the network as (x - centre) / scale.
struct ReleasedInput {
  std::string name;
  std::string unit;    ///< Of the contract; empty where it has none.
  std::string column;  ///< The category of an indicator, whose `level` it marks; empty for others.
  std::string level;
  double centre = 0;
  double scale = 1;
};

struct ReleasedModel {
  std::string kind;  ///< "mlp"
  Picture picture;   ///< Of a CNN.
  Network network;
  std::vector<float> parameters;
  std::vector<ReleasedInput> inputs;
  std::string outcome;
  /// Of a model of the hazard of the outcome, an event: what it is the time to; empty for others.
  std::string time;
  std::vector<std::string> levels;  ///< The classes, in the order of the outputs; two share one.
  double outcome_centre = 0;        ///< A predicted number is output * scale + centre.
  double outcome_scale = 1;
  std::string study;  ///< Its number, as hexadecimal digits.
  std::string title;
  std::string strategy;
  std::string standardise;
};

/// kCorrupt for what is no JSON or holds numbers that are none; kInvalidArgument for a document
/// that is no result of training, or whose model is not whole, since layers or scales stayed at the
/// sites.
Result<ReleasedModel> ReadReleasedModel(std::string_view result_json);

}  // namespace consilium::train
