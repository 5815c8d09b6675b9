#pragma once

// One value out of several rows of a patient: the first, the last, the mean, ...

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/quality/quality_report.h"
#include "common/result.h"
#include "common/settings.h"

namespace consilium {

enum class TakeUse : std::uint8_t { kFirst, kLast, kMin, kMax, kMean, kCount, kAny };

/// "first", "last", "min", "max", "mean", "count", "any".
std::string_view Name(TakeUse use);

/// The key `use`.
Result<TakeUse> ParseTakeUse(const Settings& settings);

/// Whether it depends on the rows' order in time.
constexpr bool NeedsOrder(TakeUse use) { return use == TakeUse::kFirst || use == TakeUse::kLast; }
/// Whether it looks at the rows and not at a value in them.
constexpr bool Counts(TakeUse use) { return use == TakeUse::kCount || use == TakeUse::kAny; }

/// A moment, to compare with others of its kind.
struct TakenTime {
  std::int64_t day = 0;
  std::int64_t of_day = 0;
  auto operator<=>(const TakenTime&) const = default;
};

class TakenValue {
 public:
  /// For kCount and kAny.
  void Count() { ++count_; }
  /// For kFirst and kLast: a row's text and the unit that it names. Of several at one time the
  /// first in reading order stays first, the last becomes last.
  void AddInOrder(TakeUse use,
                  TakenTime time,
                  std::string_view text,
                  std::string_view unit,
                  std::uint64_t place);
  /// For kMin, kMax and kMean. `text` is the number as the least or greatest is written.
  void AddNumber(TakeUse use, double number, std::string_view text, std::uint64_t place);
  /// A text that is no number where one belongs: it is the value, for whoever reads it to object.
  /// The first of them is, whatever else comes.
  void AddFault(std::string_view text, std::uint64_t place);
  /// The same where it is known what is wrong; of kUnknownUnit with the unit.
  void AddFault(DataFault fault, std::string_view unit, std::uint64_t place);
  /// No more rows will come. Numbers are written with this decimal mark.
  void Finish(TakeUse use, char decimal);
  /// Of kFirst and kLast after that: what the chosen row's text becomes, or why it cannot be used.
  void Become(std::string text) { text_ = std::move(text); }
  void Fail(DataFault fault) { fault_ = fault; }

  std::uint64_t count() const { return count_; }
  std::string_view text() const { return fault_ ? "?" : std::string_view(text_); }
  /// What is wrong with the row that the value is from.
  std::optional<DataFault> fault() const { return fault_; }
  /// That the row names.
  std::string_view unit() const { return unit_; }
  /// Of the row that it is from; 0 if it is from several or none.
  std::uint64_t place() const { return place_; }

 private:
  std::string text_;
  std::string unit_;
  double number_ = 0;  // The sum, or the least or greatest so far.
  TakenTime time_;
  std::uint64_t count_ = 0;
  std::uint64_t place_ = 0;
  bool faulty_ = false;
  std::optional<DataFault> fault_;
};

}  // namespace consilium
