// consilium-sim privacy: what noise, rounds, epsilon and delta have to do with each other.

#include "simulations/commands_privacy.h"

#include <cmath>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/command_errors.h"
#include "common/names.h"
#include "common/pages/number_text.h"
#include "common/terminal.h"
#include "protocols/privacy/rdp.h"
#include "protocols/privacy/solve.h"

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSiteUnit = "site";
constexpr Accountant kAccountants[] = {Accountant::kRdp, Accountant::kPld};

std::string NameOf(Accountant accountant) { return accountant == Accountant::kRdp ? "RDP" : "PLD"; }

/// Seven significant digits, and not less than the value, but for 1e-13 of it: more noise and a
/// larger bound are safe.
std::string RoundedUp(double value) {
  if (value == 0 || !std::isfinite(value)) return NumberText(value);
  const double unit = std::pow(10, std::floor(std::log10(value)) - 6);
  // Not one unit up for the last bit of a number that has few digits.
  return NumberText(std::ceil(value / unit * (1 - 1e-13)) * unit, "%.7g");
}

/// The name of the one that was left out; kInvalidArgument unless it is exactly one of the four, or
/// where a site is to be sampled.
Result<std::string> LeftOut(const PrivacyCommand& command) {
  if (command.unit == kSiteUnit && command.rate != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "--rate is given for --unit site, but all sites take part in every round",
                "Leave --rate out.");
  }
  std::vector<std::string> absent;
  if (!command.noise) absent.push_back("noise");
  if (!command.rounds) absent.push_back("rounds");
  if (!command.epsilon) absent.push_back("epsilon");
  if (!command.delta) absent.push_back("delta");
  if (absent.size() == 1) return absent.front();
  if (absent.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "--noise, --rounds, --epsilon and --delta are all given: nothing is left to find",
                "Leave out the one that you want to know.");
  }
  for (std::string& name : absent) name.insert(0, "--");
  return Fail(
      ErrorCode::kInvalidArgument,
      JoinNames(absent) + " are missing: exactly one of the four can be found from the others",
      "Give all but one of --noise, --rounds, --epsilon and --delta.");
}

/// What one accountant found, for people and for programs.
struct Finding {
  std::string text;
  Json value;
  std::optional<double> order;  ///< Of the Renyi divergence that gave epsilon.
};

Result<Finding> EpsilonFound(Accountant accountant, const PrivacyCommand& command) {
  const GaussianRounds rounds{*command.noise, command.rate, *command.rounds};
  if (accountant == Accountant::kPld) {
    TRY(const double epsilon, EpsilonOf(accountant, rounds, *command.delta));
    return Finding{RoundedUp(epsilon), epsilon, std::nullopt};
  }
  RdpCurve curve;  // Rather than EpsilonOf, which does not tell the order.
  TRY_STATUS(curve.Add(rounds));
  TRY(const RdpEpsilon bound, curve.EpsilonFor(*command.delta));
  return Finding{RoundedUp(bound.epsilon), bound.epsilon, bound.order};
}

Result<Finding> Found(const std::string& name,
                      Accountant accountant,
                      const PrivacyCommand& command) {
  if (name == "epsilon") return EpsilonFound(accountant, command);
  if (name == "delta") {
    const GaussianRounds rounds{*command.noise, command.rate, *command.rounds};
    TRY(const double delta, DeltaOf(accountant, rounds, *command.epsilon));
    return Finding{RoundedUp(delta), delta, std::nullopt};
  }
  const PrivacyTarget target{*command.epsilon, *command.delta};
  if (name == "noise") {
    TRY(const double noise, NoiseFor(accountant, target, command.rate, *command.rounds));
    return Finding{RoundedUp(noise), noise, std::nullopt};
  }
  TRY(const std::uint64_t rounds, RoundsFor(accountant, target, *command.noise, command.rate));
  return Finding{std::to_string(rounds), rounds, std::nullopt};
}

std::string GivenText(const PrivacyCommand& command) {
  std::string text;
  const auto add = [&](const std::string& name, const std::string& value) {
    text += (text.empty() ? "" : ", ") + name + " " + value;
  };
  if (command.noise) add("noise multiplier", NumberText(*command.noise, "%.10g"));
  add("sampling rate", NumberText(command.rate, "%.10g"));
  if (command.rounds) add("rounds", std::to_string(*command.rounds));
  if (command.epsilon) add("epsilon", NumberText(*command.epsilon, "%.10g"));
  if (command.delta) add("delta", NumberText(*command.delta, "%.10g"));
  return text + (command.unit == kSiteUnit
                     ? "\nfor a site: all that it has, exchanged for anything else"
                     : "\nfor a patient: one more or one less");
}

Json GivenJson(const PrivacyCommand& command) {
  Json json;
  json["unit"] = command.unit;
  if (command.noise) json["noise"] = *command.noise;
  json["rate"] = command.rate;
  if (command.rounds) json["rounds"] = *command.rounds;
  if (command.epsilon) json["epsilon"] = *command.epsilon;
  if (command.delta) json["delta"] = *command.delta;
  return json;
}

std::string Remark(const std::string& name) {
  const std::string discrete = "RDP holds for the discrete noise of sites as it stands.";
  if (name == "epsilon" || name == "delta") {
    return "Both are upper bounds; the smaller one holds. " + discrete;
  }
  return "Both keep within epsilon and delta. " + discrete;
}

}  // namespace

Result<int> RunPrivacyCommand(const PrivacyCommand& command) {
  const Result<std::string> left_out = LeftOut(command);
  if (!left_out) {
    ReportError("consilium-sim", left_out.error(), command.json);
    return kExitUsage;
  }
  const std::string& name = *left_out;
  Json json{{"given", GivenJson(command)}, {"solved_for", name}};
  std::vector<std::vector<std::string>> rows = {{"accountant", name}};
  for (const Accountant accountant : kAccountants) {
    TRY(const Finding finding, Found(name, accountant, command));
    rows.push_back({NameOf(accountant), finding.text});
    Json found{{name, finding.value}};
    if (finding.order) {
      found["order"] = *finding.order;
      rows.back().push_back("at order " + NumberText(*finding.order));
    }
    json[accountant == Accountant::kRdp ? "rdp" : "pld"] = found;
  }
  if (command.json) {
    std::cout << json.dump(2) << std::endl;
    return kExitDone;
  }
  rows.front().resize(rows[1].size());
  rows.back().resize(rows[1].size());
  std::cout << GivenText(command) << "\n\n"
            << AlignedTable(rows) << "\n"
            << Wrapped(Remark(name), 80, 0) << std::endl;
  return kExitDone;
}

void AddPrivacy(CLI::App& app, PrivacyCommand& command) {
  CLI::App* privacy = app.add_subcommand(
      "privacy", "Find epsilon, delta, noise or rounds from the other three, by two accountants");
  privacy->add_option(
      "--noise", command.noise,
      "Noise multiplier: the noise's standard deviation over one patient's bound, or "
      "one site's");
  privacy->add_option("--rounds", command.rounds, "Noised sums that are released, over all studies")
      ->check(CLI::Range(std::uint64_t{1}, kMostRounds));
  privacy->add_option("--epsilon", command.epsilon,
                      "How much one patient, or one site, may change what is likely");
  privacy->add_option("--delta", command.delta, "The probability with which it may be more");
  privacy->add_option("--rate", command.rate,
                      "Each patient's probability of being in a round (default: 1). Only where "
                      "patients are drawn\nanew in each round, independently");
  privacy
      ->add_option("--unit", command.unit,
                   "Whose: a patient, one more or one less (default), or all that one site has,\n"
                   "exchanged for anything else, and so each of its patients")
      ->check(CLI::IsMember(std::vector<std::string>{"patient", std::string(kSiteUnit)}));
  privacy->add_flag("--json", command.json, "Print numbers at full precision as JSON");
  privacy->footer(
      "Leave out the one that you want to know. Results are rounded to the safe side.\n"
      "What the numbers mean is in docs/privacy.md.\n"
      "Examples:\n"
      "  consilium-sim privacy --noise 1.5 --rate 0.04 --rounds 2250 --delta 1e-5\n"
      "  consilium-sim privacy --epsilon 1 --delta 1e-6 --rounds 8\n"
      "  consilium-sim privacy --epsilon 2 --delta 1e-6 --noise 4 --rate 0.1\n"
      "  consilium-sim privacy --epsilon 3 --delta 1e-6 --rounds 20 --unit site");
  privacy->callback([&command] { command.asked = true; });
}

}  // namespace consilium
