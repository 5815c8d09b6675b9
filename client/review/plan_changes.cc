#include "client/review/plan_changes.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "common/names.h"
#include "common/settings.h"

namespace consilium {
namespace {

/// A key of a plan with all that leads to it, and its value: one or, of a list, several.
struct FlatValue {
  std::vector<std::string> elements;
  bool is_list = false;

  bool operator==(const FlatValue&) const = default;
  /// As the value of this key: "18 to 110" of a range, "age, sex and crp" of names.
  std::string Text(std::string_view path) const {
    if (path.ends_with("range") && elements.size() == 2) return elements[0] + " to " + elements[1];
    return JoinNames(elements, 12);
  }
};
using FlatPlan = std::map<std::string, FlatValue>;

/// An element as people write it: a text without TOML's quotes, where it needs no others, and a
/// whole number as one.
std::string Plainly(const std::string& toml) {
  const bool quoted = toml.size() >= 2 && toml.front() == '"' && toml.back() == '"' &&
                      toml.find('\\') == std::string::npos;
  if (quoted) return toml.substr(1, toml.size() - 2);
  return toml.ends_with(".0") ? toml.substr(0, toml.size() - 2) : toml;
}

/// What tells an entry of [[key]] from its like: its name, or the column that it is about.
std::string NameOf(const Settings& entry, std::size_t place) {
  for (const char* key : {"name", "column"}) {
    if (!entry.Has(key)) continue;
    if (const Result<std::string> name = entry.Text(key)) return *name;
  }
  return std::to_string(place + 1);
}

Status Flatten(const Settings& table, const std::string& prefix, FlatPlan& flat) {
  for (const std::string& key : table.Keys()) {
    const std::string path = prefix + key;
    if (const auto inner = table.TableIfAny(key)) {
      TRY_STATUS(Flatten(**inner, path + ".", flat));
      continue;
    }
    if (const auto entries = table.TablesIfAny(key); entries && !entries->empty()) {
      std::set<std::string> used;
      for (std::size_t i = 0; i < entries->size(); ++i) {
        std::string name = path + "[" + NameOf((*entries)[i], i) + "]";
        // Two rules on one column are two entries: neither may hide the other.
        if (!used.insert(name).second) name.insert(name.size() - 1, ", " + std::to_string(i + 1));
        TRY_STATUS(Flatten((*entries)[i], name + ".", flat));
      }
      continue;
    }
    if (const auto elements = table.ElementsAsToml(key)) {
      FlatValue value{{}, true};
      for (const std::string& element : *elements) value.elements.push_back(Plainly(element));
      flat.insert_or_assign(path, std::move(value));
      continue;
    }
    TRY(std::string text, table.ScalarAsText(key));
    flat.insert_or_assign(path, FlatValue{{std::move(text)}, false});
  }
  return {};
}

Result<FlatPlan> Flattened(const Plan& plan) {
  TRY(const Settings document, Settings::Parse(plan.text, "plan"));
  FlatPlan flat;
  TRY_STATUS(Flatten(document, "", flat));
  return flat;
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 24> kWords = {
    {{"study.title", "Title"},
     {"study.question", "Question"},
     {"study.requested_by", "Who asks"},
     {"study.permit", "Permit"},
     {"study.expires", "Valid through"},
     {"study.minimum_sites", "Fewest hospitals in a total"},
     {"contract.patient", "Patient identifier"},
     {"contract.maximum_patients", "Most patients of one hospital"},
     {"analysis.kind", "Analysis"},
     {"analysis.outcome", "Outcome"},
     {"analysis.features", "Features"},
     {"analysis.columns", "Columns"},
     {"analysis.time", "Time to the event"},
     {"analysis.event", "Event"},
     {"analysis.group", "Groups"},
     {"analysis.trainer", "Program that learns"},
     {"privacy.minimum_patients", "Fewest patients of a hospital"},
     {"privacy.dp.unit", "Whose secret noise keeps"},
     {"privacy.dp.epsilon", "Privacy (epsilon)"},
     {"privacy.dp.delta", "Privacy (delta)"},
     {"privacy.dp.noise_multiplier", "Noise"},
     {"round.deadline", "Time for each step of a round"},
     {"round.on_loss", "When a hospital is lost"},
     {"release.reviewers", "Who signs the result"}}};

/// "contract.column[age].unit" as "Column age: unit".
std::string InWords(const std::string& path) {
  for (const auto& [key, words] : kWords) {
    if (key == path) return std::string(words);
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kEntries = {
      {{"contract.column[", "Column "},
       {"contract.derived[", "Derived column "},
       {"contract.eligible[", "Eligibility by "}}};
  for (const auto& [key, words] : kEntries) {
    const std::size_t end = path.find("].");
    if (!path.starts_with(key) || end == std::string::npos) continue;
    return std::string(words) + path.substr(key.size(), end - key.size()) + ": " +
           path.substr(end + 2);
  }
  return path;
}

/// Sections as a reader wants them: who and why, then what, then how.
int RankOf(const std::string& path) {
  constexpr std::array<std::string_view, 5> kSections = {"study.", "analysis.", "contract.",
                                                         "privacy.", "round."};
  const auto found =
      std::find_if(kSections.begin(), kSections.end(),
                   [&](std::string_view section) { return path.starts_with(section); });
  return static_cast<int>(found - kSections.begin());
}

/// Of entries that are new or gone: "contract.column[age]" of all its keys; empty for other keys.
std::string EntryOf(const std::string& path) {
  const std::size_t end = path.rfind("].");
  return end == std::string::npos ? std::string() : path.substr(0, end + 1);
}

bool HasEntry(const FlatPlan& plan, const std::string& entry) {
  const auto next = plan.lower_bound(entry + ".");
  return next != plan.end() && next->first.starts_with(entry + ".");
}

/// "type number, unit mg/L, range 0 and 500"
std::string WholeEntry(const FlatPlan& plan, const std::string& entry) {
  std::string text;
  for (auto it = plan.lower_bound(entry + "."); it != plan.end(); ++it) {
    if (!it->first.starts_with(entry + ".")) break;
    const std::string key = it->first.substr(entry.size() + 1);
    if (key == "name" || key == "column") continue;
    text += (text.empty() ? "" : ", ") + key + " " + it->second.Text(key);
  }
  return text.empty() ? "as it is" : text;
}

/// The elements of a list that the other lacks.
std::string Beyond(const FlatValue& list, const FlatValue& other) {
  std::vector<std::string> missing;
  for (const std::string& element : list.elements) {
    if (std::find(other.elements.begin(), other.elements.end(), element) == other.elements.end()) {
      missing.push_back(element);
    }
  }
  return JoinNames(missing, 12);
}

class Comparison {
 public:
  Comparison(const FlatPlan& earlier, const FlatPlan& plan) : earlier_(earlier), plan_(plan) {}

  std::vector<PlanChange> Run() {
    std::set<std::string> paths;
    for (const auto& [path, value] : earlier_) paths.insert(path);
    for (const auto& [path, value] : plan_) paths.insert(path);
    std::vector<std::string> ordered(paths.begin(), paths.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return RankOf(a) < RankOf(b); });
    for (const std::string& path : ordered) Compare(path);
    return std::move(changes_);
  }

 private:
  void Compare(const std::string& path) {
    const auto before = earlier_.find(path);
    const auto after = plan_.find(path);
    const bool was = before != earlier_.end();
    const bool is = after != plan_.end();
    if (was && is) {
      if (before->second != after->second) Changed(path, before->second, after->second);
      return;
    }
    const std::string entry = EntryOf(path);
    const FlatPlan& other = was ? plan_ : earlier_;
    if (!entry.empty() && !HasEntry(other, entry)) {
      if (whole_.insert(entry).second) WholeChange(entry, was);
      return;
    }
    const std::string text = (was ? before : after)->second.Text(path);
    changes_.push_back({was ? ChangeKind::kRemoved : ChangeKind::kAdded, InWords(path),
                        was ? text : std::string(), was ? std::string() : text});
  }

  void WholeChange(const std::string& entry, bool was) {
    // Without the colon that its keys have behind it.
    std::string what = InWords(entry + ".");
    what = what.substr(0, what.find_last_not_of(": .") + 1);
    if (was) {
      changes_.push_back({ChangeKind::kRemoved, what, WholeEntry(earlier_, entry), ""});
    } else {
      changes_.push_back({ChangeKind::kAdded, what, "", WholeEntry(plan_, entry)});
    }
  }

  void Changed(const std::string& path, const FlatValue& before, const FlatValue& after) {
    const std::string added = before.is_list && after.is_list ? Beyond(after, before) : "";
    const std::string gone = before.is_list && after.is_list ? Beyond(before, after) : "";
    // Of short lists such as ranges the whole is plainer than what is new in it.
    const bool by_elements = before.elements.size() > 2 || after.elements.size() > 2;
    if (!by_elements || (added.empty() && gone.empty())) {
      changes_.push_back(
          {ChangeKind::kChanged, InWords(path), before.Text(path), after.Text(path)});
      return;
    }
    if (!added.empty()) changes_.push_back({ChangeKind::kAdded, InWords(path), "", added});
    if (!gone.empty()) changes_.push_back({ChangeKind::kRemoved, InWords(path), gone, ""});
  }

  const FlatPlan& earlier_;
  const FlatPlan& plan_;
  std::vector<PlanChange> changes_;
  std::set<std::string> whole_;
};

}  // namespace

std::string InWords(const PlanChange& change) {
  switch (change.kind) {
    case ChangeKind::kAdded:
      return change.what + ": new: " + change.after;
    case ChangeKind::kRemoved:
      return change.what + ": no longer: " + change.before;
    case ChangeKind::kChanged:
      return change.what + ": " + change.after + " instead of " + change.before;
  }
  return {};
}

Result<std::vector<PlanChange>> ChangesOf(const Plan& earlier, const Plan& plan) {
  if (earlier.id == plan.id) return std::vector<PlanChange>();
  TRY(const FlatPlan before, Flattened(earlier));
  TRY(const FlatPlan after, Flattened(plan));
  std::vector<PlanChange> changes = Comparison(before, after).Run();
  if (changes.empty()) {
    changes.push_back(
        {ChangeKind::kChanged, "Order of columns or rules", "that of before", "another"});
  }
  return changes;
}

bool SameContract(const Plan& a, const Plan& b) {
  const auto contract = [](const Plan& plan) -> Bytes {
    const Result<Settings> document = Settings::Parse(plan.text, "plan");
    if (!document) return {};
    const Result<Settings> table = document->Table("contract");
    return table ? table->CanonicalBytes() : Bytes();
  };
  const Bytes first = contract(a);
  return !first.empty() && first == contract(b);
}

}  // namespace consilium
