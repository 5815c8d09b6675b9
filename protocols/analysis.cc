#include "protocols/analysis.h"

#include <memory>
#include <utility>

#include "protocols/analyses/glm/regression.h"
#include "protocols/analyses/linear/linear.h"
#include "protocols/analyses/logistic/logistic.h"
#include "protocols/analyses/poisson/poisson.h"

namespace consilium {
namespace {

struct Kind {
  std::string_view name;
  std::unique_ptr<glm::Family> (*make)();
};

constexpr Kind kKinds[] = {{"linear", &MakeLinearFamily},
                           {"logistic", &MakeLogisticFamily},
                           {"poisson", &MakePoissonFamily}};

}  // namespace

std::vector<Slot> SlotsOf(const std::vector<Slice>& slices) {
  std::vector<Slot> slots;
  slots.reserve(slices.size());
  for (const Slice& slice : slices) slots.push_back(slice.slot);
  return slots;
}

Result<std::unique_ptr<Analysis>> MakeAnalysis(const Settings& analysis, const Contract& contract) {
  TRY(const std::string name, analysis.Text("kind"));
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return glm::MakeRegression(analysis, contract, kind.make());
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  return analysis.FailAt("kind", "unknown analysis \"" + name + "\"", "this version has: " + known);
}

std::vector<std::string_view> AnalysisKinds() {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) names.push_back(kind.name);
  return names;
}

}  // namespace consilium
