#include "client/ingestion/taken_value.h"

#include <array>
#include <vector>

#include "common/written_number.h"

namespace consilium {
namespace {

constexpr std::array kUses = {TakeUse::kFirst, TakeUse::kLast,  TakeUse::kMin, TakeUse::kMax,
                              TakeUse::kMean,  TakeUse::kCount, TakeUse::kAny};

}  // namespace

std::string_view Name(TakeUse use) {
  switch (use) {
    case TakeUse::kFirst:
      return "first";
    case TakeUse::kLast:
      return "last";
    case TakeUse::kMin:
      return "min";
    case TakeUse::kMax:
      return "max";
    case TakeUse::kMean:
      return "mean";
    case TakeUse::kCount:
      return "count";
    case TakeUse::kAny:
      return "any";
  }
  return "";
}

Result<TakeUse> ParseTakeUse(const Settings& settings) {
  std::vector<std::string> names;
  for (const TakeUse use : kUses) names.emplace_back(Name(use));
  TRY(const std::string name, settings.Choice("use", names));
  TakeUse chosen = kUses[0];
  for (const TakeUse use : kUses) {
    if (Name(use) == name) chosen = use;
  }
  return chosen;
}

void TakenValue::AddInOrder(TakeUse use,
                            TakenTime time,
                            std::string_view text,
                            std::string_view unit,
                            std::uint64_t place) {
  const bool better = use == TakeUse::kFirst ? time < time_ : time >= time_;
  if (count_++ > 0 && !better) return;
  time_ = time;
  text_.assign(text);
  unit_.assign(unit);
  place_ = place;
}

void TakenValue::AddNumber(TakeUse use, double number, std::string_view text, std::uint64_t place) {
  const bool first = count_++ == 0;
  if (faulty_) return;
  if (use == TakeUse::kMean) {
    number_ += number;
    return;
  }
  const bool beyond = use == TakeUse::kMin ? number < number_ : number > number_;
  if (!first && !beyond) return;
  number_ = number;
  text_.assign(text);
  place_ = place;
}

void TakenValue::AddFault(std::string_view text, std::uint64_t place) {
  ++count_;
  if (faulty_) return;
  faulty_ = true;
  text_.assign(text);
  place_ = place;
}

void TakenValue::AddFault(DataFault fault, std::string_view unit, std::uint64_t place) {
  if (!faulty_) {
    fault_ = fault;
    unit_.assign(unit);
  }
  AddFault(std::string_view(), place);
}

void TakenValue::Finish(TakeUse use, char decimal) {
  if (count_ == 0 || faulty_) return;
  switch (use) {
    case TakeUse::kFirst:
    case TakeUse::kLast:
    case TakeUse::kMin:
    case TakeUse::kMax:
      return;
    case TakeUse::kMean:
      text_ = WrittenNumber(number_ / static_cast<double>(count_), decimal);
      return;
    case TakeUse::kCount:
      text_ = std::to_string(count_);
      return;
    case TakeUse::kAny:
      text_ = "true";
      return;
  }
}

}  // namespace consilium
