#include "protocols/analyses/train/cox_settings.h"

#include <algorithm>
#include <string>

#include "protocols/analyses/cox/settings.h"

namespace consilium::train {
namespace {

/// The key of a time to an event that the plan has; null for none. Settings::Has would let other
/// messages say that it may stand here.
const char* FollowUpKey(const Settings& settings) {
  const std::vector<std::string> keys = settings.Keys();
  for (const char* key : {"event", "time"}) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return key;
  }
  return nullptr;
}

}  // namespace

Result<std::vector<ContractColumn>> ParseOutcomes(const Settings& settings,
                                                  const Contract& contract,
                                                  ModelKind model) {
  const char* const key = FollowUpKey(settings);
  if (model == ModelKind::kCox || (model == ModelKind::kMlp && key != nullptr)) {
    return cox::ParseSurvivalOutcome(settings, contract);
  }
  if (key != nullptr) {
    const std::string learner = model == ModelKind::kExternal
                                    ? std::string("a trainer")
                                    : "model = \"" + std::string(NameOf(model)) + "\"";
    return settings.FailAt(
        key, learner + " learns an 'outcome', and '" + key + "' is of a time to an event",
        "use model = \"cox\", or \"mlp\" for a network, or name an outcome");
  }
  TRY(ContractColumn outcome, glm::ParseColumn(settings, "outcome", contract));
  return std::vector<ContractColumn>{std::move(outcome)};
}

}  // namespace consilium::train
