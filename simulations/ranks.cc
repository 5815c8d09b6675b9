#include "simulations/ranks.h"

#include <utility>

namespace consilium {

Status AgreeOn(Ranks& ranks, Status status) {
  const std::uint32_t failed = ranks.Smallest(status ? ranks.count() : ranks.rank());
  if (failed == ranks.count()) return {};
  Error error;
  if (failed == ranks.rank()) error = std::move(status).error();
  error.code = static_cast<ErrorCode>(
      std::stoi(ranks.Broadcast(std::to_string(static_cast<int>(error.code)), failed)));
  error.message = ranks.Broadcast(std::move(error.message), failed);
  error.remedy = ranks.Broadcast(std::move(error.remedy), failed);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace consilium
