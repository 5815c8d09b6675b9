// A damaged policy never opens more than it did, and nothing opens more than "research".

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "client/policy/policy.h"

namespace consilium {
namespace {

bool IsAtLeastAsStrict(const Policy& policy, const Policy& than, std::uint64_t smallest_class) {
  return policy.minimum_patients >= than.minimum_patients &&
         policy.minimum_sites >= than.minimum_sites &&
         policy.maximum_parameters_per_patient <= than.maximum_parameters_per_patient &&
         policy.maximum_rounds <= than.maximum_rounds && policy.norm_checks <= than.norm_checks &&
         policy.minimum_class >= smallest_class &&
         policy.minimum_difference >= (smallest_class == 1 ? 1 : than.minimum_difference) &&
         policy.privacy_epsilon <= than.privacy_epsilon &&
         policy.privacy_delta <= than.privacy_delta &&
         policy.quotas.answers_a_day <= than.quotas.answers_a_day &&
         policy.quotas.answers_a_month <= than.quotas.answers_a_month &&
         policy.quotas.studies_a_month <= than.quotas.studies_a_month && !policy.site_level &&
         !policy.memorising_models && policy.trainers.empty();
}

std::vector<std::string> StrictLines() {
  return {"preset = \"standard\"",
          "allowed_analyses = [\"logistic\"]",
          "minimum_patients = 40",
          "minimum_sites = 6",
          "maximum_parameters_per_patient = 0.05",
          "minimum_class = 12",
          "maximum_rounds = 30",
          "requesters = [\"Cardiology consortium\"]",
          "minimum_difference = 12",
          "privacy_epsilon = 0.5",
          "privacy_delta = 1e-7",
          "maximum_answers_a_day = 60",
          "maximum_answers_a_month = 90",
          "maximum_studies_a_month = 4",
          "answer_hours = [\"22:00-06:00\"]",
          "answer_days = [\"mon\", \"tue\"]",
          "time_zone = \"+01:00\"",
          "anchors = [\"alpha\"]",
          "site_level = false",
          "norm_checks = 0",
          "memorising_models = false",
          "valid_until = 2027-01-31"};
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

/// A list that lost some of its entries is as strict, and one that lost all is an error.
RC_GTEST_PROP(PolicyPropertyTest, LostBytesOfTheTimesNeverOpenMoreThanTheDefault, ()) {
  std::string text = Joined(StrictLines());
  const auto start = text.find("answer_hours");
  const auto end = text.find("anchors");
  const auto from = *rc::gen::inRange<std::size_t>(start, end);
  const auto count = *rc::gen::inRange<std::size_t>(1, 12);
  const auto policy = ParsePolicy(text.erase(from, count), "policy.toml");
  if (!policy) return;
  const Policy standard = MakePolicy(PolicyPreset::kStandard);
  RC_ASSERT(IsAtLeastAsStrict(*policy, standard, standard.minimum_class));
  RC_ASSERT(!policy->anchors.empty());
  std::size_t closed = 0;
  for (std::int64_t hour = 0; hour < 24 * 7; ++hour) {
    if (!policy->times.Contain({1'780'272'000 + hour * 3'600})) ++closed;
  }
  RC_ASSERT(closed > 0);
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
  // What the file's limits allow to be written, for a steward who means it.
  Policy limits = MakePolicy(PolicyPreset::kResearch);
  limits.minimum_patients = 3;
  limits.maximum_parameters_per_patient = 2;
  limits.privacy_epsilon = 100;
  limits.privacy_delta = 0.001;
  limits.quotas = {1'000'000, 1'000'000, 1'000'000};
  RC_ASSERT(IsAtLeastAsStrict(*policy, limits, 1));
  RC_ASSERT(!policy->site_level);
}

}  // namespace
}  // namespace consilium
