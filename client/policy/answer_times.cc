#include "client/policy/answer_times.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace consilium {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr int kDayMinutes = 1'440;
/// UTC-12:00 to UTC+14:00 are in use.
constexpr int kFarthestWest = -12 * 60;
constexpr int kFarthestEast = 14 * 60;
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct LocalTime {
  std::size_t day = 0;  ///< Of the week, from Monday.
  int minute = 0;       ///< Of the day.
};

LocalTime LocalTimeOf(const AnswerTimes& times, UtcSeconds at) {
  const std::int64_t local = at.seconds + std::int64_t{times.offset_minutes} * 60;
  const std::int64_t day = local / kDaySeconds - (local % kDaySeconds < 0 ? 1 : 0);
  constexpr std::int64_t kThursday = 3;  // 1970-01-01.
  const std::int64_t weekday = ((day + kThursday) % 7 + 7) % 7;
  return {static_cast<std::size_t>(weekday), static_cast<int>((local - day * kDaySeconds) / 60)};
}

/// "HH:MM" as minutes, at most `most`.
std::optional<int> MinutesOf(std::string_view text, int most) {
  const auto digit = [&](std::size_t place) {
    return text[place] >= '0' && text[place] <= '9' ? text[place] - '0' : 1'000;
  };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const int minutes = digit(3) * 10 + digit(4);
  const int all = (digit(0) * 10 + digit(1)) * 60 + minutes;
  if (minutes > 59 || all > most) return std::nullopt;
  return all;
}

std::string ClockText(int minutes) {
  char text[16];
  std::snprintf(text, sizeof text, "%02d:%02d", minutes / 60, minutes % 60);
  return text;
}

std::string ZoneText(std::int32_t offset) {
  if (offset == 0) return "UTC";
  return (offset < 0 ? "-" : "+") + ClockText(std::abs(offset));
}

Status ParseHours(const Settings& settings, AnswerTimes& times) {
  if (!settings.Has("answer_hours")) return {};
  TRY(const std::vector<std::string> windows, settings.Texts("answer_hours"));
  if (windows.empty()) {
    return settings.FailAt("answer_hours", "answer_hours names no hours",
                           "Remove the line to answer at any hour.");
  }
  for (const std::string& text : windows) {
    const std::string_view window = text;
    const bool whole = window.size() == 11 && window[5] == '-';
    const auto first = whole ? MinutesOf(window.substr(0, 5), kDayMinutes - 1) : std::nullopt;
    const auto last = whole ? MinutesOf(window.substr(6), kDayMinutes) : std::nullopt;
    if (!first || !last || *first == *last) {
      return settings.FailAt("answer_hours", "\"" + text + "\" is no part of a day",
                             "Write it like \"22:00-06:00\" or \"18:30-24:00\".");
    }
    times.hours.push_back({static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)});
  }
  return {};
}

Status ParseDays(const Settings& settings, AnswerTimes& times) {
  if (!settings.Has("answer_days")) return {};
  TRY(const std::vector<std::string> days, settings.Texts("answer_days"));
  if (days.empty()) {
    return settings.FailAt("answer_days", "answer_days names no day",
                           "Remove the line to answer on every day.");
  }
  times.days.fill(false);
  for (const std::string& day : days) {
    const auto known = std::find(kDays.begin(), kDays.end(), day);
    if (known == kDays.end()) {
      return settings.FailAt("answer_days", "\"" + day + "\" is no day of the week",
                             "Use \"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\".");
    }
    times.days[static_cast<std::size_t>(known - kDays.begin())] = true;
  }
  return {};
}

Status ParseZone(const Settings& settings, AnswerTimes& times) {
  TRY(const std::string zone, settings.TextOr("time_zone", "UTC"));
  if (zone == "UTC") return {};
  const std::string_view text = zone;
  const bool is_signed = !text.empty() && (text[0] == '+' || text[0] == '-');
  const auto offset = is_signed ? MinutesOf(text.substr(1), kFarthestEast) : std::nullopt;
  if (!offset || (text[0] == '-' && -*offset < kFarthestWest)) {
    return settings.FailAt("time_zone", "\"" + zone + "\" is no time zone",
                           "Write \"UTC\" or what the local clock is ahead of it: \"+01:00\", "
                           "\"-05:30\". Names of zones are not known: summer time would change "
                           "the hours.");
  }
  times.offset_minutes = text[0] == '-' ? -*offset : *offset;
  return {};
}

}  // namespace

bool AnswerTimes::Contain(UtcSeconds at) const {
  const LocalTime now = LocalTimeOf(*this, at);
  if (hours.empty()) return days[now.day];
  const std::size_t yesterday = (now.day + 6) % 7;
  return std::any_of(hours.begin(), hours.end(), [&](const AnswerHours& window) {
    if (window.first < window.last) {
      return days[now.day] && now.minute >= window.first && now.minute < window.last;
    }
    return (days[now.day] && now.minute >= window.first) ||
           (days[yesterday] && now.minute < window.last);
  });
}

std::string AnswerTimes::InWords() const {
  std::string words;
  for (const AnswerHours& window : hours) {
    words += (words.empty() ? "" : ", ") + ClockText(window.first) + "-" + ClockText(window.last);
  }
  if (hours.empty()) words = "any hour";
  const bool every_day = std::all_of(days.begin(), days.end(), [](bool day) { return day; });
  std::string listed;
  for (std::size_t day = 0; day < days.size() && !every_day; ++day) {
    if (days[day]) listed += (listed.empty() ? "" : ", ") + std::string(kDays[day]);
  }
  return words + (every_day ? "" : " on " + listed) + " (" + ZoneText(offset_minutes) + ")";
}

Result<AnswerTimes> ParseAnswerTimes(const Settings& settings) {
  AnswerTimes times;
  TRY_STATUS(ParseHours(settings, times));
  TRY_STATUS(ParseDays(settings, times));
  TRY_STATUS(ParseZone(settings, times));
  return times;
}

std::string LocalText(const AnswerTimes& times, UtcSeconds at) {
  const LocalTime now = LocalTimeOf(times, at);
  const UtcSeconds shifted{at.seconds + std::int64_t{times.offset_minutes} * 60};
  return std::string(kDays[now.day]) + " " + ToText(DateOf(shifted)) + " " + ClockText(now.minute) +
         " (" + ZoneText(times.offset_minutes) + ")";
}

}  // namespace consilium
