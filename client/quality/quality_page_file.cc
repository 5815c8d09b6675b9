#include "client/quality/quality_page_file.h"

#include <system_error>

#include "common/files.h"

namespace consilium {
namespace {

constexpr std::size_t kMaxPageBytes = 64 * 1024 * 1024;

}  // namespace

Status MayWriteQualityPage(const std::filesystem::path& path, Replace replace) {
  std::error_code error;
  const std::filesystem::file_status there = std::filesystem::symlink_status(path, error);
  if (!std::filesystem::exists(there)) return {};
  if (!std::filesystem::is_regular_file(there)) {
    return Fail(ErrorCode::kConflict, path.string() + " is there and no ordinary file",
                "Give --html another name.");
  }
  if (replace == Replace::kAnyFile) return {};
  const Result<Bytes> bytes = ReadFile(path, kMaxPageBytes);
  if (bytes && IsQualityPage(AsText(*bytes))) return {};
  return Fail(ErrorCode::kConflict, path.string() + " is there and no quality page of this program",
              "Give --html another name, or replace the file with --force.");
}

Status WriteQualityPage(const std::filesystem::path& path,
                        const QualityPageHead& head,
                        const QualityReport& report) {
  return WriteFileAtomically(path, AsBytes(QualityPage(head, report)), 0600);
}

}  // namespace consilium
