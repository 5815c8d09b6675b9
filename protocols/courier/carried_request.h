#pragma once

// What the commands `inbox` and `outbox` ask of a running service, and its replies, as JSON texts.
// The same at a site and at the coordinator.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace consilium {

struct CarriedRequest {
  enum class Kind {
    kTake,   ///< "take-file": a file that was carried here.
    kWrite,  ///< "write-file": the one to be carried away.
    kList    ///< "carried-sites": for whom the coordinator has something.
  };
  Kind kind = Kind::kTake;
  Bytes file;        ///< With kTake; empty where the request's is not hexadecimal.
  std::string site;  ///< With kWrite at the coordinator.
};

std::string RequestText(const CarriedRequest& request);
/// None for requests of another kind.
std::optional<CarriedRequest> CarriedRequestIn(std::string_view request);

/// What was taken in.
struct TakenReply {
  std::string from;            ///< A name, for people.
  std::uint64_t messages = 0;  ///< For the first time.
  bool anew = false;           ///< The other side has started anew, or knows nothing of us.
  std::uint64_t waiting = 0;   ///< Messages for the other side now.
};
std::string ReplyText(const TakenReply& reply);

/// The file to be carried away.
struct WrittenReply {
  std::string name;  ///< What the file is to be called.
  Bytes file;        ///< Empty where the coordinator has nothing to tell.
  std::uint64_t messages = 0;
  std::uint64_t left = 0;  ///< Messages that did not fit.
  bool computing = false;  ///< More will be there soon.
};
std::string ReplyText(const WrittenReply& reply);

}  // namespace consilium
