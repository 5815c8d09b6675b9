#pragma once

#include <cstddef>

namespace consilium {

/// Bytes of one message of a site: a chunk of 256 KiB and its header.
inline constexpr std::size_t kLargestMessage = 300'000;
/// Of one to a site: what thousands of sites have to know of each other.
inline constexpr std::size_t kLargestMessageToSite = 1'800'000;

enum class SendOutcome {
  kSent,          ///< Handed to the connection; only an answer proves that it arrived.
  kNotConnected,  ///< Nothing was sent; try again once the peer has been heard.
  kBusy           ///< The connection's queue is full; try again later.
};

}  // namespace consilium
