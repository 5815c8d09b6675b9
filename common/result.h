#pragma once

// Result<T>: the outcome of an operation that disk, settings, bytes or people can make fail.
// An Error carries a code for programs, a sentence for people and what they can do about it.

#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace consilium {

enum class ErrorCode {
  kInvalidArgument,  ///< What was asked makes no sense: a setting, a flag, a plan.
  kNotFound,
  kPermission,   ///< File modes, a wrong key, a policy that says no.
  kCorrupt,      ///< Bytes that are not what was written: hash, signature, format.
  kConflict,     ///< Exists already, or is in the wrong state for this.
  kBusy,         ///< Another process holds it.
  kStorageFull,  ///< Disk or quota exhausted.
  kIo,           ///< The operating system failed; the message has its words.
  kUnavailable,  ///< The other side cannot be reached.
  kRefused,      ///< A security rule refused it.
  kDataQuality,  ///< Local data do not meet the contract.
  kNotEstimable  ///< The statistics have no answer: separation, collinearity.
};

struct Error {
  ErrorCode code = ErrorCode::kInvalidArgument;
  std::string message;  ///< One sentence that names the file, line, field or site.
  std::string remedy;   ///< What to do about it; may be empty.
};

/// "message. Remedy" as shown to people.
std::string Describe(const Error& error);

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

inline tl::unexpected<Error> Fail(ErrorCode code, std::string message, std::string remedy = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(remedy)});
}

/// The same error with the place it happened in front: "plan.toml: ...".
inline tl::unexpected<Error> FailIn(std::string_view where, Error error) {
  error.message = std::string(where) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace consilium

#define CONSILIUM_CONCAT_INNER(a, b) a##b
#define CONSILIUM_CONCAT(a, b) CONSILIUM_CONCAT_INNER(a, b)

/// TRY(auto x, Expression()): declares x with the value, or returns the error to the caller.
#define TRY(declaration, expression) \
  TRY_INNER(declaration, expression, CONSILIUM_CONCAT(try_result_, __LINE__))
#define TRY_INNER(declaration, expression, name)                                \
  auto name = (expression);                                                     \
  if (!name.has_value()) return ::tl::make_unexpected(std::move(name).error()); \
  declaration = std::move(*name)

/// TRY_STATUS(Expression()): returns the error to the caller, if there is one.
#define TRY_STATUS(expression)                                     \
  do {                                                             \
    if (auto try_status = (expression); !try_status.has_value()) { \
      return ::tl::make_unexpected(std::move(try_status).error()); \
    }                                                              \
  } while (false)
