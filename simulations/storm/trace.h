#pragma once

// What happened in one seed, in order: a hash that must not depend on compiler or options, and,
// when asked for, lines that a person can read.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/hash.h"
#include "common/time.h"

namespace consilium {

class Trace {
 public:
  /// With `keep_lines` the lines are kept, and `lines()` has them.
  explicit Trace(bool keep_lines) : keep_lines_(keep_lines) {}

  void Add(Instant when, std::string_view party, std::string_view what, ByteSpan content = {});
  /// The hash of everything added so far.
  Digest Finish() { return hasher_.Finish(); }

  const std::vector<std::string>& lines() const { return lines_; }
  std::uint64_t events() const { return events_; }

 private:
  bool keep_lines_;
  Hasher hasher_{"consilium/storm-trace/v1"};
  std::uint64_t events_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace consilium
