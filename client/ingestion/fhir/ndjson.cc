#include "client/ingestion/fhir/ndjson.h"

#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include "client/ingestion/fhir/json_document.h"

namespace consilium {
namespace {

constexpr std::size_t kFirstBufferBytes = 256 * 1024;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

NdjsonFile::NdjsonFile(std::string name)
    : name_(std::move(name)), buffer_(kFirstBufferBytes + kJsonPadding) {}

Result<NdjsonFile> NdjsonFile::Open(const std::filesystem::path& file) {
  NdjsonFile result(file.string());
  TRY(result.stream_, OpenByteStream(file));
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  result.size_ = error ? 0 : size;
  return result;
}

std::uint64_t NdjsonFile::bytes_read() const {
  return static_cast<std::uint64_t>(stream_->Progress().value_or(0) * static_cast<double>(size_));
}

// Reads more behind what is there; false at the end.
Result<bool> NdjsonFile::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + kJsonPadding == buffer_.size()) {
    if (end_ > kMostNdjsonLineBytes) {
      return Fail(ErrorCode::kDataQuality,
                  name_ + ":" + std::to_string(line_ + 1) + ": a line of more than " +
                      std::to_string(kMostNdjsonLineBytes) + " bytes",
                  "One line holds one resource; leave out files of resources that no view needs.");
    }
    buffer_.resize(2 * end_ + kJsonPadding);
  }
  const auto room = std::span(buffer_).subspan(end_, buffer_.size() - kJsonPadding - end_);
  TRY(const std::size_t count, stream_->Read(room));
  end_ += count;
  return count > 0;
}

Result<bool> NdjsonFile::Next(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const char* start = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const void* found = std::memchr(start + searched, '\n', size - searched);
    if (found == nullptr && !at_end_) {
      searched = size;
      TRY(const bool more, Fill());
      at_end_ = !more;
      continue;
    }
    if (found == nullptr && size == 0) return false;
    const std::size_t length =
        found == nullptr ? size : static_cast<std::size_t>(static_cast<const char*>(found) - start);
    ++line_;
    begin_ += length + (found == nullptr ? 0 : 1);
    searched = 0;
    line = std::string_view(start, length);
    if (line_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
      line.remove_suffix(1);
    }
    if (!line.empty()) return true;
  }
}

}  // namespace consilium
