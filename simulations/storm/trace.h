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

/// What is kept of all that happens.
enum class TraceKeeps {
  kCount,  ///< How much it was: where nobody compares traces, hashing them is half the work.
  kHash,
  kLines  ///< And the hash.
};

class Trace {
 public:
  explicit Trace(TraceKeeps keeps) : keeps_(keeps) {}

  void Add(Instant when, std::string_view party, std::string_view what, ByteSpan content = {});
  /// The hash of everything added so far, if it is kept.
  Digest Finish() { return hasher_.Finish(); }

  const std::vector<std::string>& lines() const { return lines_; }
  std::uint64_t events() const { return events_; }

 private:
  TraceKeeps keeps_;
  Hasher hasher_{"consilium/storm-trace/v1"};
  std::uint64_t events_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace consilium
