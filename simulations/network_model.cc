#include "simulations/network_model.h"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "common/pages/number_text.h"

namespace consilium {
namespace {

constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
    {{"Gbit/s", 1e9}, {"Mbit/s", 1e6}, {"kbit/s", 1e3}, {"bit/s", 1}}};
constexpr double kLeastBandwidth = 100;
constexpr double kMostBandwidth = 1e15;
constexpr Duration kUsualLatency{20};
constexpr Duration kLongest{86'400'000};

Result<double> Bandwidth(const Settings& table, std::string_view key) {
  if (!table.Has(key)) return 0.0;
  TRY(const std::string text, table.Text(key));
  Result<double> bandwidth = ParseBandwidth(text);
  if (!bandwidth) return table.FailAt(key, std::move(bandwidth).error());
  return *bandwidth;
}

Result<Duration> SpanOr(const Settings& table, std::string_view key, Duration otherwise) {
  if (!table.Has(key)) return otherwise;
  TRY(const std::string text, table.Text(key));
  Result<Duration> span = ParseSpan(text);
  if (!span) return table.FailAt(key, std::move(span).error());
  if (*span > kLongest) return table.FailValueAt(key, "it must be at most 24h");
  return span;
}

Result<double> Chance(const Settings& table, std::string_view key) {
  TRY(const double chance, table.NumberOr(key, 0));
  if (chance < 0 || chance > 0.5) return table.FailValueAt(key, "it must be between 0 and 0.5");
  return chance;
}

}  // namespace

Result<Duration> ParseSpan(std::string_view text) {
  if (text == "0" || text == "0s" || text == "0ms") return Duration(0);
  return ParseDuration(text);
}

Result<double> ParseBandwidth(std::string_view text) {
  const auto fail = [&] {
    return Fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is no bandwidth",
                "Write a number from 100 bit/s on and a unit: \"512 kbit/s\", \"10 Mbit/s\" or "
                "\"1 Gbit/s\".");
  };
  for (const auto& [unit, bits] : kUnits) {
    if (!text.ends_with(unit)) continue;
    std::string_view number = text.substr(0, text.size() - unit.size());
    while (number.ends_with(' ')) number.remove_suffix(1);
    double value = 0;
    const char* const end = number.data() + number.size();
    const auto [stopped, error] = std::from_chars(number.data(), end, value);
    if (error != std::errc() || stopped != end) return fail();
    // The comparison is false for what is not a number, too.
    if (!(value * bits >= kLeastBandwidth && value * bits <= kMostBandwidth)) return fail();
    return value * bits;
  }
  return fail();
}

std::string BandwidthText(double bits_per_second) {
  if (bits_per_second == 0) return "no limit";
  for (const auto& [unit, bits] : kUnits) {
    if (bits_per_second >= bits) {
      return NumberText(bits_per_second / bits, "%.6g") + " " + std::string(unit);
    }
  }
  return NumberText(bits_per_second, "%.6g") + " bit/s";
}

Result<NetworkModel> ParseNetwork(const Settings& settings) {
  NetworkModel network;
  network.latency = kUsualLatency;
  network.computing = Duration(0);
  TRY(const std::optional<Settings> table, settings.TableIfAny("network"));
  if (!table) return network;
  TRY(network.latency, SpanOr(*table, "latency", network.latency));
  TRY(network.jitter, SpanOr(*table, "jitter", network.jitter));
  TRY(network.site_bandwidth, Bandwidth(*table, "bandwidth"));
  TRY(network.coordinator_bandwidth, Bandwidth(*table, "coordinator_bandwidth"));
  TRY(network.computing, SpanOr(*table, "computing", Duration(0)));
  TRY_STATUS(table->RequireNoOtherKeys());
  return network;
}

Result<FaultRates> ParseFaults(const Settings& settings) {
  FaultRates faults;
  TRY(const std::optional<Settings> table, settings.TableIfAny("faults"));
  if (!table) return faults;
  TRY(faults.cuts, Chance(*table, "cuts"));
  TRY(faults.site_crashes, Chance(*table, "site_crashes"));
  TRY(faults.coordinator_crashes, Chance(*table, "coordinator_crashes"));
  TRY(faults.slow_answers, Chance(*table, "slow_answers"));
  TRY(faults.stops, Chance(*table, "stops"));
  TRY_STATUS(table->RequireNoOtherKeys());
  return faults;
}

}  // namespace consilium
