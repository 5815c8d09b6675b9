#include "client/ingestion/row_groups.h"

#include <cmath>
#include <set>
#include <string_view>
#include <utility>

#include "client/ingestion/source.h"

namespace consilium {
namespace {

/// Of a window: more than a life.
constexpr double kMostDays = 100'000;

Result<std::vector<RowCondition>> ParseConditions(const Settings& settings) {
  std::vector<RowCondition> conditions;
  TRY(const std::optional<Settings> where, settings.TableIfAny("where"));
  if (!where) return conditions;
  for (const std::string& header : where->Keys()) {
    RowCondition condition{header, {}};
    if (auto one = where->ScalarAsText(header); one) {
      condition.texts.push_back(*std::move(one));
    } else {
      TRY(condition.texts, where->Texts(header));
    }
    if (condition.texts.empty()) return where->FailAt(header, "the list is empty: no row has it");
    conditions.push_back(std::move(condition));
  }
  TRY_STATUS(where->RequireNoOtherKeys());
  return conditions;
}

Result<std::optional<DayWindow>> ParseWindow(const Settings& settings) {
  if (!settings.Has("window")) return std::optional<DayWindow>();
  TRY(const std::vector<double> days, settings.Numbers("window"));
  const auto is_day = [](double day) {
    return day == std::floor(day) && std::abs(day) <= kMostDays;
  };
  if (days.size() != 2 || !is_day(days[0]) || !is_day(days[1]) || days[0] > days[1]) {
    return settings.FailAt("window", "a window is two whole numbers of days, the earlier first",
                           "For instance [-365, 0]: the year before the index date, and the day "
                           "itself.");
  }
  return std::optional(
      DayWindow{static_cast<std::int64_t>(days[0]), static_cast<std::int64_t>(days[1])});
}

Status CheckTake(const Settings& settings, const RowTake& take, const RowGroup& group) {
  if (take.window && (group.date.empty() || group.index.empty())) {
    return settings.FailAt("window", "a window needs the rows' days and the index date",
                           "Add `date` and `index` to [[rows]].");
  }
  if (NeedsOrder(take.use) && group.date.empty()) {
    return settings.FailAt("use", "\"" + std::string(Name(take.use)) + "\" needs the rows' days",
                           "Add `date` to [[rows]]: the order of rows means nothing.");
  }
  if (take.unit.IsSaid() && Counts(take.use)) {
    return settings.FailAt("unit", "\"" + std::string(Name(take.use)) + "\" has no unit");
  }
  return {};
}

Result<RowTake> ParseRowTake(const Settings& settings, const RowGroup& group) {
  RowTake take;
  TRY(take.name, settings.Text("name"));
  TRY(take.use, ParseTakeUse(settings));
  if (Counts(take.use)) {
    TRY(take.from, settings.TextOr("from", ""));
  } else {
    TRY(take.from, settings.Text("from"));
  }
  TRY(take.where, ParseConditions(settings));
  TRY(take.window, ParseWindow(settings));
  TRY(take.unit, ParseTakenUnit(settings, take.name));
  TRY_STATUS(CheckTake(settings, take, group));
  TRY_STATUS(settings.RequireNoOtherKeys());
  return take;
}

Result<RowGroup> ParseRowGroup(const Settings& settings,
                               const std::filesystem::path& folder,
                               const Source& outer) {
  RowGroup group;
  if (settings.Has("type")) {
    Source source;
    source.name = outer.name;
    source.number = outer.number;
    source.date_formats = outer.date_formats;
    source.missing = outer.missing;
    TRY_STATUS(ParseSourceData(settings, folder, source));
    group.source = std::make_shared<const Source>(std::move(source));
  } else if (settings.Has("file")) {
    return settings.FailAt("file", "`file` of [[rows]] needs a `type`", "Add type = \"csv\".");
  }
  TRY(group.patient, settings.Text("patient"));
  TRY(group.same_as, settings.TextOr("same_as", group.patient));
  if (!group.source && settings.Has("same_as")) {
    return settings.FailAt("same_as", "these are rows of the source itself",
                           "Leave it out, or say with `type` and `file` where the rows are.");
  }
  TRY(group.date, settings.TextOr("date", ""));
  TRY(group.index, settings.TextOr("index", ""));
  TRY(const std::vector<Settings> takes, settings.TablesIfAny("take"));
  if (takes.empty()) {
    return settings.FailHere("nothing is taken out of these rows",
                             "Add [[rows.take]] with `name`, `use` and `from`.");
  }
  for (const Settings& entry : takes) {
    TRY(RowTake take, ParseRowTake(entry, group));
    group.takes.push_back(std::move(take));
  }
  TRY_STATUS(settings.RequireNoOtherKeys());
  return group;
}

}  // namespace

Result<std::vector<RowGroup>> ParseRowGroups(const Settings& settings,
                                             const std::filesystem::path& folder,
                                             const Source& outer) {
  std::vector<RowGroup> groups;
  TRY(const std::vector<Settings> tables, settings.TablesIfAny("rows"));
  std::set<std::string> names;
  std::string own_patient;
  for (const Settings& table : tables) {
    TRY(RowGroup group, ParseRowGroup(table, folder, outer));
    for (const RowTake& take : group.takes) {
      if (!names.insert(take.name).second) {
        return table.FailHere("two values are called \"" + take.name + "\"", "Rename one of them.");
      }
    }
    if (!group.source) {
      if (!own_patient.empty() && own_patient != group.patient) {
        return table.FailAt(
            "patient", "the source's own rows have one patient column, \"" + own_patient + "\"");
      }
      own_patient = group.patient;
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace consilium
