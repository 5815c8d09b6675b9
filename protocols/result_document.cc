#include "protocols/result_document.h"

#include <nlohmann/json.hpp>

#include "common/check.h"

namespace consilium {

std::string ResultDocument(const Plan& plan, const AnalysisResult& result, std::uint32_t rounds) {
  using Json = nlohmann::ordered_json;
  Json document;
  document["study"] = plan.id.ToHex();
  document["title"] = plan.title;
  document["kind"] = std::string(plan.analysis->kind());
  document["sites"] = result.sites;
  // Where nobody may know how many there are.
  document["patients"] = result.patients > 0 ? Json(result.patients) : Json();
  document["rounds"] = rounds;
  document["converged"] = result.converged;
  const Json own = Json::parse(result.json, nullptr, /*allow_exceptions=*/false);
  CHECK(own.is_object());
  for (const auto& [name, value] : own.items()) {
    if (!document.contains(name)) document[name] = value;
  }
  return document.dump(2) + "\n";
}

}  // namespace consilium
