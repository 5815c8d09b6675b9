#include "protocols/analyses/meta/settings.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "protocols/analyses/glm/regression.h"

namespace consilium::meta {
namespace {

constexpr std::string_view kEffects[] = {"hartung-knapp", "random", "fixed"};

}  // namespace

std::string_view NameOf(Effects effects) { return kEffects[static_cast<std::size_t>(effects)]; }

Result<MetaPlan> ParseMetaPlan(const Settings& settings,
                               const Contract& contract,
                               std::uint32_t minimum_sites) {
  MetaPlan plan;
  plan.minimum_fits = minimum_sites;
  TRY(const std::string effects,
      settings.ChoiceOr("effects", {std::begin(kEffects), std::end(kEffects)},
                        std::string(kEffects[0])));
  plan.effects = static_cast<Effects>(std::find(std::begin(kEffects), std::end(kEffects), effects) -
                                      std::begin(kEffects));
  TRY(plan.confidence, glm::ParseConfidence(settings));
  TRY(plan.model, MakeSiteModel(settings, contract));
  return plan;
}

}  // namespace consilium::meta
