#pragma once

// The luck of a storm as bytes, in the order in which it is drawn: which faults strike where, and
// what is in the garbage. A seed's luck is random as a whole; of a schedule each byte can be
// altered alone, which is what a fuzzer does.

#include <cstdint>

#include "common/random.h"

namespace consilium {

class Schedule final : public RandomSource {
 public:
  /// The bytes outlive the schedule.
  explicit Schedule(ByteSpan bytes) : left_(bytes) {}

  /// A number (8 bytes) is made of two bytes of the schedule: small ones give small fractions of
  /// one, and so rare faults. Anything else is the schedule's bytes themselves.
  void Fill(MutableByteSpan bytes) override;
  /// From here on numbers are those of a fixed seed.
  bool used_up() const { return left_.empty(); }

 private:
  ByteSpan left_;
  SeededRandom afterwards_{0};
};

}  // namespace consilium
