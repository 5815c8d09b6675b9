#include "common/named_file.h"

#include <string>
#include <system_error>

namespace consilium {

Status CheckNamedFile(const std::filesystem::path& file, std::string_view key) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return Fail(ErrorCode::kNotFound, file.string() + " does not exist",
                "Correct `" + std::string(key) +
                    "` in the source file; a relative path starts at the source file's folder.");
  }
  if (error) {
    return Fail(ErrorCode::kPermission, file.string() + " cannot be looked at: " + error.message(),
                "The account that runs the program must be allowed to enter its folder.");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + " is not a regular file");
  }
  return {};
}

}  // namespace consilium
