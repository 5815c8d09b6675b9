#include "protocols/analyses/validate/choice.h"

#include <algorithm>
#include <optional>

#include "protocols/analyses/evaluate/curves.h"
#include "protocols/analyses/glm/tables.h"

namespace consilium::validate {
namespace {

class Chooser {
 public:
  Chooser(const ValidatePlan& plan, const Sizes& all, const std::vector<FoldSizes>& folds)
      : plan_(plan), all_(all), folds_(folds) {}

  std::string OwnReason(const FoldSizes& fold) const {
    if (fold.held_out.rows == 0) {
      return plan_.method == Method::kFolds
                 ? "No row was dealt into it."
                 : "No site of this name is in the sums, or it has no rows.";
    }
    const std::string few =
        "Fewer than " + std::to_string(plan_.minimum_count) + " " + SmallInWords(plan_) + " ";
    if (!IsLarge(fold.held_out)) return few + "are held out.";
    if (!IsLarge(Without(fold.held_out))) return few + "are left to fit a model to.";
    if (LiesAtTooFew(fold.sites)) {
      return "What is held out lies at fewer than " + MinimumSites() + ".";
    }
    if (LiesAtTooFew(fold.training_sites)) {
      return "What is left to fit a model to lies at fewer than " + MinimumSites() + ".";
    }
    return {};
  }

  /// Whether all rows less those of the folds that are looked at may be known.
  bool RestMayBeKnown(const std::vector<std::string>& reasons) const {
    Sizes rest = all_;
    double sites = 0;
    for (std::size_t i = 0; i < folds_.size(); ++i) {
      if (reasons[i].empty()) {
        rest.rows -= folds_[i].held_out.rows;
        rest.patients -= folds_[i].held_out.patients;
        rest.events -= folds_[i].held_out.events;
      } else {
        // They may be the same ones.
        sites = std::max(sites, folds_[i].sites);
      }
    }
    return rest.rows == 0 || (IsLarge(rest) && !LiesAtTooFew(sites));
  }

  /// The fold with the fewest rows of those that are looked at.
  std::optional<std::size_t> Smallest(const std::vector<std::string>& reasons) const {
    std::optional<std::size_t> smallest;
    for (std::size_t i = 0; i < folds_.size(); ++i) {
      if (!reasons[i].empty()) continue;
      if (!smallest || folds_[i].held_out.rows < folds_[*smallest].held_out.rows) smallest = i;
    }
    return smallest;
  }

 private:
  bool IsLarge(const Sizes& sizes) const {
    const auto minimum = static_cast<double>(plan_.minimum_count);
    return sizes.patients >= minimum && evaluate::IsLarge(sizes.rows, sizes.events, minimum);
  }
  std::string MinimumSites() const { return glm::Counted(plan_.minimum_sites, "site", "sites"); }
  bool LiesAtTooFew(double sites) const {
    return plan_.method == Method::kFolds && sites < plan_.minimum_sites;
  }
  Sizes Without(const Sizes& part) const {
    return {all_.rows - part.rows, all_.patients - part.patients, all_.events - part.events};
  }

  const ValidatePlan& plan_;
  const Sizes& all_;
  const std::vector<FoldSizes>& folds_;
};

}  // namespace

std::vector<std::string> ReasonsToLeaveOut(const ValidatePlan& plan,
                                           const Sizes& all,
                                           const std::vector<FoldSizes>& folds) {
  const Chooser chooser(plan, all, folds);
  std::vector<std::string> reasons;
  for (const FoldSizes& fold : folds) reasons.push_back(chooser.OwnReason(fold));
  while (!chooser.RestMayBeKnown(reasons)) {
    const std::optional<std::size_t> smallest = chooser.Smallest(reasons);
    if (!smallest) break;
    reasons[*smallest] = "Beside the others it would show, as a difference, what is too small.";
  }
  return reasons;
}

}  // namespace consilium::validate
