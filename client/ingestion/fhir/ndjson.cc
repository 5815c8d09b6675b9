#include "client/ingestion/fhir/ndjson.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <zlib.h>

#include "client/ingestion/fhir/json_document.h"

namespace consilium {
namespace {

constexpr std::size_t kFirstBufferBytes = 256 * 1024;
constexpr std::size_t kPackedBytes = 64 * 1024;
constexpr std::string_view kGzipMark = "\x1f\x8b";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// zlib's window, plus what makes it expect gzip's header.
constexpr int kGzipWindow = MAX_WBITS + 16;

}  // namespace

// Bytes of a file, unpacked where they are packed.
class NdjsonFile::Stream {
 public:
  explicit Stream(const std::filesystem::path& file) : file_(file, std::ios::binary) {}
  ~Stream() {
    if (packed_) inflateEnd(&zlib_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool is_open() const { return file_.is_open(); }
  std::uint64_t bytes_read() const { return bytes_read_; }

  // Reads at least one byte, or none at the end.
  Result<std::size_t> Read(char* target, std::size_t size) {
    if (!started_) TRY_STATUS(Start());
    if (packed_) return Unpack(target, size);
    if (!input_.empty()) {
      const std::size_t count = std::min(size, input_.size());
      std::memcpy(target, input_.data(), count);
      input_.remove_prefix(count);
      return count;
    }
    return ReadFile(target, size);
  }

 private:
  Status Start() {
    started_ = true;
    raw_.resize(kPackedBytes);
    TRY_STATUS(FillInput());
    if (!input_.starts_with(kGzipMark)) return {};
    if (inflateInit2(&zlib_, kGzipWindow) != Z_OK) {
      return Fail(ErrorCode::kIo, "there is no memory to unpack it");
    }
    packed_ = true;
    return {};
  }

  Status FillInput() {
    TRY(const std::size_t count, ReadFile(raw_.data(), raw_.size()));
    input_ = std::string_view(raw_.data(), count);
    return {};
  }

  Result<std::size_t> ReadFile(char* target, std::size_t size) {
    file_.read(target, static_cast<std::streamsize>(size));
    if (file_.bad()) return Fail(ErrorCode::kIo, "reading failed");
    const auto count = static_cast<std::size_t>(file_.gcount());
    bytes_read_ += count;
    return count;
  }

  Result<std::size_t> Unpack(char* target, std::size_t size) {
    const auto room = static_cast<uInt>(std::min<std::size_t>(size, 1U << 30U));
    zlib_.next_out = reinterpret_cast<Bytef*>(target);
    zlib_.avail_out = room;
    while (zlib_.avail_out == room) {
      if (input_.empty()) {
        TRY_STATUS(FillInput());
        if (input_.empty()) {
          if (between_members_) return 0U;
          return Fail(ErrorCode::kDataQuality, "the compressed file is cut off",
                      "Copy or export it again.");
        }
      }
      TRY_STATUS(UnpackSome());
    }
    return static_cast<std::size_t>(room - zlib_.avail_out);
  }

  // A gzip file may be several, one behind the other.
  Status UnpackSome() {
    if (between_members_) {
      if (!kGzipMark.starts_with(input_.substr(0, kGzipMark.size()))) return FailDamaged();
      if (inflateReset(&zlib_) != Z_OK) return FailDamaged();
      between_members_ = false;
    }
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input_.data()));
    zlib_.avail_in = static_cast<uInt>(input_.size());
    const int result = inflate(&zlib_, Z_NO_FLUSH);
    input_.remove_prefix(input_.size() - zlib_.avail_in);
    if (result == Z_STREAM_END) {
      between_members_ = true;
      return {};
    }
    if (result != Z_OK && result != Z_BUF_ERROR) return FailDamaged();
    return {};
  }

  static tl::unexpected<Error> FailDamaged() {
    return Fail(ErrorCode::kDataQuality, "the compressed file is damaged",
                "Copy or export it again.");
  }

  std::ifstream file_;
  std::vector<char> raw_;
  std::string_view input_;  // What of raw_ was not used yet.
  bool started_ = false;
  bool packed_ = false;
  bool between_members_ = false;
  z_stream zlib_{};
  std::uint64_t bytes_read_ = 0;
};

NdjsonFile::NdjsonFile(std::string name)
    : name_(std::move(name)), buffer_(kFirstBufferBytes + kJsonPadding) {}
NdjsonFile::~NdjsonFile() = default;
NdjsonFile::NdjsonFile(NdjsonFile&&) noexcept = default;
NdjsonFile& NdjsonFile::operator=(NdjsonFile&&) noexcept = default;

Result<NdjsonFile> NdjsonFile::Open(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status)) {
    return Fail(ErrorCode::kNotFound, file.string() + " does not exist",
                "Correct `files` in the source file; a relative path starts at the source file's "
                "folder.");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Fail(ErrorCode::kInvalidArgument, file.string() + " is not a regular file");
  }
  NdjsonFile result(file.string());
  result.stream_ = std::make_unique<Stream>(file);
  if (!result.stream_->is_open()) {
    return Fail(ErrorCode::kPermission, file.string() + " cannot be opened for reading",
                "Give the account that runs this program the right to read it.");
  }
  result.size_ = std::filesystem::file_size(file, error);
  return result;
}

std::uint64_t NdjsonFile::bytes_read() const { return stream_->bytes_read(); }

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
  auto count = stream_->Read(buffer_.data() + end_, buffer_.size() - kJsonPadding - end_);
  if (!count) return FailIn(name_, std::move(count).error());
  end_ += *count;
  return *count > 0;
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
