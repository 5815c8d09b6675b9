// VitalLimitsOf of client/quality/plausibility.h.

#include <algorithm>
#include <array>
#include <span>

#include "client/quality/plausibility.h"
#include "common/names.h"

namespace consilium {
namespace {

struct Limits {
  std::array<std::string_view, 4> names;  ///< Columns are called so, in small letters;
  std::array<std::string_view, 3> units;  ///< and have one of these.
  VitalLimits limits;
};

// From variable_ranges.csv of Harutyunyan et al. (2019), "Multitask learning and benchmarking with
// clinical time series data", Scientific Data 6:96, columns OUTLIER LOW and OUTLIER HIGH. Oxygen
// saturation is a share. Age: the longest life on record, 122 years and 164 days (Robine and Allard
// 1998).
constexpr std::array kLimits{
    Limits{{"age", "alter", "", ""}, {"a", "", ""}, {"age", 0, 122}},
    Limits{{"heart_rate", "pulse", "thalach", "hr"}, {"/min", "", ""}, {"heart rate", 0, 390}},
    Limits{{"sbp", "systolic", "trestbps", "sysbp"},
           {"mm[hg]", "mmhg", ""},
           {"systolic blood pressure", 0, 375}},
    Limits{{"dbp", "diastolic", "diabp", ""},
           {"mm[hg]", "mmhg", ""},
           {"diastolic blood pressure", 0, 375}},
    Limits{
        {"temperature", "temp", "body_temp", "fever"}, {"cel", "", ""}, {"temperature", 14.2, 47}},
    Limits{{"respiratory_rate", "resp_rate", "rr", ""}, {"/min", "", ""}, {"breathing", 0, 330}},
    Limits{{"spo2", "sao2", "oxygen_saturation", ""}, {"%", "", ""}, {"oxygen saturation", 0, 100}},
    Limits{{"height", "body_height", "", ""}, {"cm", "", ""}, {"body height", 0, 275}},
    Limits{{"glucose", "gluc", "", ""}, {"mg/dl", "", ""}, {"glucose", 0, 2200}},
    Limits{{"creatinine", "crea", "", ""}, {"mg/dl", "", ""}, {"creatinine", 0, 66}},
    Limits{{"bilirubin", "bili", "", ""}, {"mg/dl", "", ""}, {"bilirubin", 0, 66}},
    Limits{{"hemoglobin", "haemoglobin", "hgb", "hb"}, {"g/dl", "", ""}, {"haemoglobin", 0, 30}},
    Limits{{"sodium", "natrium", "", ""}, {"mmol/l", "meq/l", ""}, {"sodium", 0, 250}},
    Limits{{"potassium", "kalium", "", ""}, {"mmol/l", "meq/l", ""}, {"potassium", 0, 15}},
    Limits{{"lactate", "laktat", "", ""}, {"mmol/l", "", ""}, {"lactate", 0, 33}},
    Limits{{"ph", "arterial_ph", "", ""}, {"", "1", "[ph]"}, {"pH", 6.3, 10}},
};

/// Among a column's name are words of several letters; a short name must be the whole one: "hr" is
/// no part of "chronic".
bool IsCalled(std::string_view column, std::string_view name) {
  constexpr std::size_t kShort = 4;
  if (name.empty()) return false;
  if (column == name) return true;
  if (name.size() < kShort) {
    const std::string text(name);
    return column.starts_with(text + "_") || column.ends_with("_" + text);
  }
  return column.find(name) != std::string_view::npos;
}

template <std::size_t kSize>
bool HoldsUnit(const std::array<std::string_view, kSize>& units, std::string_view unit) {
  // The first place is always a unit, be it none; the others are filled up with nothing.
  return units[0] == unit || std::any_of(units.begin() + 1, units.end(), [&](std::string_view one) {
           return !one.empty() && one == unit;
         });
}

}  // namespace

std::optional<VitalLimits> VitalLimitsOf(const ContractColumn& column) {
  const std::string name = LowerCase(column.name);
  const std::string unit = LowerCase(column.unit);
  for (const Limits& limits : kLimits) {
    if (!HoldsUnit(limits.units, unit)) continue;
    if (std::any_of(limits.names.begin(), limits.names.end(),
                    [&](std::string_view one) { return IsCalled(name, one); })) {
      return limits.limits;
    }
  }
  return std::nullopt;
}

}  // namespace consilium
