// A damaged policy never opens more than it did, and nothing opens more than "research".

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "client/policy.h"

namespace consilium {
namespace {

bool IsAtLeastAsStrict(const Policy& policy, const Policy& than, std::uint64_t smallest_class) {
  return policy.minimum_patients >= than.minimum_patients &&
         policy.minimum_sites >= than.minimum_sites &&
         policy.maximum_parameters_per_patient <= than.maximum_parameters_per_patient &&
         policy.maximum_rounds <= than.maximum_rounds && policy.minimum_class >= smallest_class;
}

std::vector<std::string> StrictLines() {
  return {
      "preset = \"standard\"", "allowed_analyses = [\"logistic\"]",       "minimum_patients = 40",
      "minimum_sites = 6",     "maximum_parameters_per_patient = 0.05",   "minimum_class = 12",
      "maximum_rounds = 30",   "requesters = [\"Cardiology consortium\"]"};
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

RC_GTEST_PROP(PolicyPropertyTest, LostLinesNeverOpenMoreThanTheDefault, ()) {
  std::vector<std::string> kept;
  for (const std::string& line : StrictLines()) {
    if (*rc::gen::arbitrary<bool>()) kept.push_back(line);
  }
  const auto policy = ParsePolicy(Joined(kept), "policy.toml");
  if (!policy) return;
  const Policy standard = MakePolicy(PolicyPreset::kStandard);
  RC_ASSERT(IsAtLeastAsStrict(*policy, standard, standard.minimum_class));
  RC_ASSERT(!policy->site_level);
}

RC_GTEST_PROP(PolicyPropertyTest, AChangedKeyRefusesEverything, ()) {
  std::vector<std::string> lines = StrictLines();
  std::string& line = lines[*rc::gen::inRange<std::size_t>(0, lines.size())];
  const std::size_t key_length = line.find(' ');
  const auto position = *rc::gen::inRange<std::size_t>(0, key_length);
  const char other = *rc::gen::element('a', 'x', '_', 'q', '7');
  RC_PRE(line[position] != other);
  line[position] = other;
  RC_ASSERT(!ParsePolicy(Joined(lines), "policy.toml").has_value());
}

RC_GTEST_PROP(PolicyPropertyTest, ATruncatedDefaultNeverOpensMoreThanTheDefault, ()) {
  const std::string text = DefaultPolicyText();
  const auto length = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
  const auto policy = ParsePolicy(text.substr(0, length), "policy.toml");
  if (!policy) return;
  const Policy standard = MakePolicy(PolicyPreset::kStandard);
  RC_ASSERT(IsAtLeastAsStrict(*policy, standard, standard.minimum_class));
  RC_ASSERT(!policy->site_level);
}

RC_GTEST_PROP(PolicyPropertyTest, DamagedBytesNeverOpenMoreThanTheLimits, ()) {
  std::string text = Joined(StrictLines());
  const auto changes = *rc::gen::inRange(1, 6);
  for (int i = 0; i < changes; ++i) {
    const auto position = *rc::gen::inRange<std::size_t>(0, text.size());
    const char c =
        *rc::gen::element('0', '1', '9', '.', '-', '#', '"', ' ', '\n', '=', 'e', '[', ']');
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        text[position] = c;
        break;
      case 1:
        text.insert(position, 1, c);
        break;
      default:
        text.erase(position, 1);
    }
  }
  const auto policy = ParsePolicy(text, "policy.toml");
  if (!policy) return;
  Policy limits = MakePolicy(PolicyPreset::kResearch);
  limits.minimum_patients = 3;
  limits.maximum_parameters_per_patient = 2;
  RC_ASSERT(IsAtLeastAsStrict(*policy, limits, 1));
  RC_ASSERT(!policy->site_level);
}

}  // namespace
}  // namespace consilium
