#pragma once

// The port to programs that learn in place of our own models. A site's policy says which program a
// name stands for, and runs it; an analysis knows the bytes that go there and come back.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium {

class ExternalTrainer {
 public:
  /// Takes all that the program wrote; its error is the exchange's.
  using Reader = std::function<Status(ByteSpan output)>;

  virtual ~ExternalTrainer() = default;
  /// Hands the program this request, and `read` what came back, which is at most `longest_reply`
  /// bytes. Several threads may call it at once.
  virtual Status Exchange(ByteSpan request,
                          std::size_t longest_reply,
                          const Reader& read) const = 0;
};

/// Whether a plan may call a trainer so: 1 to 64 letters, digits, "_", "-" or ".".
inline bool IsTrainerName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

}  // namespace consilium
