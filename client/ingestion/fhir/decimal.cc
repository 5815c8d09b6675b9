#include "client/ingestion/fhir/decimal.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace consilium {
namespace {

// Products of two coefficients, and coefficients brought to one scale, stay below 10^36.
__extension__ using Wide = __int128;

constexpr int kDigits = 18;
constexpr int kMostExponent = 10'000;

constexpr Wide PowerOfTen(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

constexpr Wide kLimit = PowerOfTen(kDigits);

bool Fits(Wide value) { return value < kLimit && value > -kLimit; }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

struct Scaled {
  std::int64_t coefficient;
  int scale;
};

// Drops trailing zeros, but none before the point, until the number fits.
std::optional<Scaled> Reduce(Wide coefficient, int scale) {
  while (scale > 0 && (scale > kDigits || !Fits(coefficient)) && coefficient % 10 == 0) {
    coefficient /= 10;
    --scale;
  }
  if (scale > kDigits || !Fits(coefficient)) return std::nullopt;
  return Scaled{static_cast<std::int64_t>(coefficient), scale};
}

}  // namespace

std::optional<Decimal> Decimal::Parse(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::size_t position = negative || text.starts_with('+') ? 1 : 0;
  Wide coefficient = 0;
  int scale = 0;
  bool any = false;
  bool point = false;
  for (; position < text.size() && (IsDigit(text[position]) || text[position] == '.'); ++position) {
    if (text[position] == '.') {
      if (point) return std::nullopt;
      point = true;
      continue;
    }
    any = true;
    coefficient = coefficient * 10 + (text[position] - '0');
    scale += point ? 1 : 0;
    if (coefficient >= kLimit * kLimit / 10) return std::nullopt;
  }
  if (!any) return std::nullopt;
  if (position < text.size()) {
    if (text[position] != 'e' && text[position] != 'E') return std::nullopt;
    ++position;
    if (text.substr(position).starts_with("+-")) return std::nullopt;
    if (text.substr(position).starts_with('+')) ++position;
    int exponent = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + position, end, exponent);
    if (error != std::errc{} || stop != end) return std::nullopt;
    if (std::abs(exponent) > kMostExponent) return std::nullopt;
    scale -= exponent;
  }
  if (coefficient == 0) return Decimal(0, std::clamp(scale, 0, kDigits));
  for (; scale < 0; ++scale) {
    coefficient *= 10;
    if (!Fits(coefficient)) return std::nullopt;
  }
  const auto reduced = Reduce(negative ? -coefficient : coefficient, scale);
  if (!reduced) return std::nullopt;
  return Decimal(reduced->coefficient, reduced->scale);
}

std::optional<Decimal> Decimal::Plus(const Decimal& other) const {
  const int scale = std::max(scale_, other.scale_);
  const Wide sum = Wide{coefficient_} * PowerOfTen(scale - scale_) +
                   Wide{other.coefficient_} * PowerOfTen(scale - other.scale_);
  const auto reduced = Reduce(sum, scale);
  if (!reduced) return std::nullopt;
  return Decimal(reduced->coefficient, reduced->scale);
}

std::optional<Decimal> Decimal::Minus(const Decimal& other) const { return Plus(other.Negated()); }

std::optional<Decimal> Decimal::Times(const Decimal& other) const {
  const auto reduced = Reduce(Wide{coefficient_} * Wide{other.coefficient_}, scale_ + other.scale_);
  if (!reduced) return std::nullopt;
  return Decimal(reduced->coefficient, reduced->scale);
}

std::optional<Decimal> Decimal::Over(const Decimal& other) const {
  if (other.coefficient_ == 0) return std::nullopt;
  // The quotient is coefficient * 10^(other.scale - scale) / other.coefficient: digits are added
  // until there are 18 of them, or it comes out even.
  Wide numerator = coefficient_;
  int scale = scale_ - other.scale_;
  const Wide denominator = other.coefficient_;
  const Wide full = kLimit / 10;
  const auto has_room = [&] {
    const Wide quotient = numerator / denominator;
    return scale < kDigits && quotient < full && quotient > -full;
  };
  while ((scale < 0 || numerator % denominator != 0) && has_room()) {
    numerator *= 10;
    ++scale;
  }
  if (scale < 0) return std::nullopt;
  Wide quotient = numerator / denominator;
  const Wide rest = numerator % denominator;
  const Wide twice = (rest < 0 ? -rest : rest) * 2;
  const bool negative = (numerator < 0) != (denominator < 0);
  if (twice >= (denominator < 0 ? -denominator : denominator)) quotient += negative ? -1 : 1;
  const auto reduced = Reduce(quotient, scale);
  if (!reduced) return std::nullopt;
  return Decimal(reduced->coefficient, reduced->scale);
}

Decimal Decimal::Negated() const { return Decimal(-coefficient_, scale_); }

std::optional<Decimal> Decimal::Boundary(int direction) const {
  const auto reduced = Reduce(Wide{coefficient_} * 10 + direction * 5, scale_ + 1);
  if (!reduced) return std::nullopt;
  return Decimal(reduced->coefficient, reduced->scale);
}

std::optional<Decimal> Decimal::LowBoundary() const { return Boundary(-1); }
std::optional<Decimal> Decimal::HighBoundary() const { return Boundary(1); }

int Decimal::Compare(const Decimal& other) const {
  const int scale = std::max(scale_, other.scale_);
  const Wide own = Wide{coefficient_} * PowerOfTen(scale - scale_);
  const Wide others = Wide{other.coefficient_} * PowerOfTen(scale - other.scale_);
  return own < others ? -1 : own > others ? 1 : 0;
}

std::optional<std::int64_t> Decimal::Whole() const {
  const auto unit = static_cast<std::int64_t>(PowerOfTen(scale_));
  if (coefficient_ % unit != 0) return std::nullopt;
  return coefficient_ / unit;
}

std::string Decimal::ToText() const {
  const bool negative = coefficient_ < 0;
  std::string digits = std::to_string(negative ? -coefficient_ : coefficient_);
  const auto scale = static_cast<std::size_t>(scale_);
  if (digits.size() <= scale) digits.insert(0, scale + 1 - digits.size(), '0');
  if (scale > 0) digits.insert(digits.size() - scale, 1, '.');
  return negative ? "-" + digits : digits;
}

}  // namespace consilium
