#pragma once

// One side of a carried conversation with its keys: files in, messages out, and the other way.

#include <memory>

#include "common/random.h"
#include "common/result.h"
#include "common/time.h"
#include "protocols/courier/courier.h"
#include "protocols/courier/courier_file.h"

namespace consilium {

class CourierDesk {
 public:
  /// `random` and what the keys refer to outlive the desk. `start`: NextStart of the last one.
  CourierDesk(Courier::Side side, const CourierKeys& keys, RandomSource& random, UtcSeconds start);

  void Send(SharedBytes message) { courier_.Send(std::move(message)); }
  const Courier& courier() const { return courier_; }
  const TransportKey& peer() const { return keys_.peer; }
  /// As Courier::BeginAnew.
  void BeginAnew(UtcSeconds start);

  /// The file to be carried now.
  Result<Bytes> WriteFile() const;
  /// Errors as ReadCourierFile's and Courier::Take's; nothing changes then.
  Result<Courier::Taken> TakeFile(ByteSpan file, UtcSeconds now);

 private:
  CourierKeys keys_;
  RandomSource& random_;
  Courier courier_;
};

/// "from-basel-20261129T213417Z.courier": sorts by time, and says whose it is.
std::string CourierFileName(std::string_view direction, std::string_view site, UtcSeconds now);
inline constexpr std::string_view kCourierFileEnding = ".courier";

}  // namespace consilium
