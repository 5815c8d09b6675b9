#pragma once

// What `inbox` and `outbox` do with files and with the running service; the same for both programs.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium {

/// The files named, and of each folder named those whose names end in `ending`, by name. kNotFound
/// where there are none.
Result<std::vector<std::filesystem::path>> CarriedFiles(const std::vector<std::string>& places,
                                                        std::string_view ending);

/// Sealed for its reader: whoever carries it may read it, under whatever account.
inline constexpr mode_t kCarriedFileMode = 0644;

/// Where a file of this name is to be written: into `out` where that is a folder, with a number
/// behind the name where it is taken, else to `out`.
std::filesystem::path CarriedFileIn(const std::filesystem::path& out, std::string_view name);

/// What became of one file that was carried here.
struct CarriedOutcome {
  std::filesystem::path file;
  bool taken = false;
  std::string words;  ///< Whose it is and how much was new, or why it was not taken.
};

/// Hands each file to the service; `request` makes the request of a file's bytes. A file that is
/// damaged, old or not ours is an outcome; a service that cannot be asked is an error.
Result<std::vector<CarriedOutcome>> TakeFiles(const std::filesystem::path& folder,
                                              const std::vector<std::filesystem::path>& files,
                                              std::size_t most_bytes,
                                              std::string_view start,
                                              const std::function<std::string(Bytes)>& request);

/// {"files": [{"file", "taken", "words"}]}, as JSON or as lines for people.
std::string OutcomesJson(const std::vector<CarriedOutcome>& outcomes);
std::string OutcomesText(const std::vector<CarriedOutcome>& outcomes);

/// As AskControl, with the service's errors as errors; kUnavailable says to run `start` first,
/// since only a running service has the one-time keys of the rounds under way.
Result<std::string> AskRunningService(const std::filesystem::path& folder,
                                      std::string_view request,
                                      std::string_view start);

}  // namespace consilium
