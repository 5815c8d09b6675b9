#pragma once

// Lines of a file, plain or compressed by gzip, in bounded memory.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/ingestion/byte_stream.h"
#include "common/result.h"

namespace consilium {

inline constexpr std::size_t kMostNdjsonLineBytes = 16U << 20U;

/// Lines end in LF or CRLF; the last may lack its end. Empty lines and a UTF-8 byte order mark are
/// skipped. Compression is told from the first bytes, not from the name. Errors name the file, and
/// the line where there is one, and never hold any of its content.
class NdjsonFile {
 public:
  static Result<NdjsonFile> Open(const std::filesystem::path& file);

  /// The next line, without its end; false at the end of the file. The line, and kJsonPadding bytes
  /// behind it, can be read until the next call.
  Result<bool> Next(std::string_view& line);

  /// Of the last line that Next() gave, from 1.
  std::uint64_t line() const { return line_; }
  const std::string& name() const { return name_; }
  std::uint64_t size() const { return size_; }  ///< Of the file, in bytes.
  std::uint64_t bytes_read() const;             ///< Of them.
  /// "FILE:LINE", for messages.
  std::string Place() const { return name_ + ":" + std::to_string(line_); }

 private:
  explicit NdjsonFile(std::string name);
  Result<bool> Fill();

  std::string name_;
  std::uint64_t size_ = 0;
  std::unique_ptr<ByteStream> stream_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // Of what was not given yet,
  std::size_t end_ = 0;    // and of what was read.
  bool at_end_ = false;
  std::uint64_t line_ = 0;
};

}  // namespace consilium
