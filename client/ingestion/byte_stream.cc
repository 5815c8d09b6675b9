#include "client/ingestion/byte_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/named_file.h"

namespace consilium {
namespace {

constexpr std::size_t kPackedBytes = 64 * 1024;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

class FileBytes final : public ByteStream {
 public:
  FileBytes(int descriptor, std::uintmax_t size, std::string name)
      : descriptor_(descriptor), size_(size), name_(std::move(name)) {
    // Only a hint: a system that does not know it reads all the same.
    static_cast<void>(::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL));
  }
  ~FileBytes() override { ::close(descriptor_); }

  Result<std::size_t> Read(std::span<char> into) override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      const ::ssize_t count = ::read(descriptor_, into.data() + filled, into.size() - filled);
      if (count == 0) break;
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        const int error = errno;
        return Fail(ErrorCode::kIo,
                    name_ + ": reading failed: " + std::generic_category().message(error));
      }
      filled += static_cast<std::size_t>(count);
    }
    read_ += filled;
    return filled;
  }

  std::optional<double> Progress() const override {
    if (size_ == 0) return std::nullopt;
    return static_cast<double>(read_) / static_cast<double>(size_);
  }

  bool StartsWith(std::string_view magic) const {
    std::array<char, 8> start{};
    const ::ssize_t count = ::pread(descriptor_, start.data(), start.size(), 0);
    return count > 0 &&
           std::string_view(start.data(), static_cast<std::size_t>(count)).starts_with(magic);
  }

 private:
  int descriptor_;
  std::uintmax_t size_;
  std::uintmax_t read_ = 0;
  std::string name_;
};

class StreamBytes final : public ByteStream {
 public:
  StreamBytes(std::unique_ptr<std::istream> stream, std::string name)
      : stream_(std::move(stream)), name_(std::move(name)) {}

  Result<std::size_t> Read(std::span<char> into) override {
    stream_->read(into.data(), static_cast<std::streamsize>(into.size()));
    if (stream_->bad()) return Fail(ErrorCode::kIo, name_ + ": reading failed");
    return static_cast<std::size_t>(stream_->gcount());
  }

 private:
  std::unique_ptr<std::istream> stream_;
  std::string name_;
};

class GzipBytes final : public ByteStream {
 public:
  GzipBytes(std::unique_ptr<ByteStream> packed, std::string name)
      : packed_(std::move(packed)), name_(std::move(name)), input_(kPackedBytes) {
    constexpr int kLargestWindow = 15;
    constexpr int kGzipOnly = 16;
    ready_ = ::inflateInit2(&inflater_, kLargestWindow + kGzipOnly) == Z_OK;
  }
  ~GzipBytes() override { ::inflateEnd(&inflater_); }

  Result<std::size_t> Read(std::span<char> into) override {
    if (!ready_) return Fail(ErrorCode::kIo, name_ + ": there is no memory to unpack it");
    inflater_.next_out = reinterpret_cast<Bytef*>(into.data());
    inflater_.avail_out = static_cast<uInt>(std::min<std::size_t>(into.size(), 1U << 30U));
    const uInt wanted = inflater_.avail_out;
    while (inflater_.avail_out > 0) {
      if (inflater_.avail_in == 0) TRY_STATUS(Fill());
      if (inflater_.avail_in == 0) {
        if (between_members_) break;
        return Fail(ErrorCode::kCorrupt,
                    name_ + " ends in the middle of what gzip packed: it was cut off",
                    "Copy or pack it again; `gzip -t` tests it.");
      }
      TRY_STATUS(between_members_ ? StartMember() : Unpack());
      if (at_padding_) break;
    }
    return wanted - inflater_.avail_out;
  }

  std::optional<double> Progress() const override { return packed_->Progress(); }

 private:
  Status Fill() {
    TRY(const std::size_t count, packed_->Read(std::span(input_)));
    inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
    inflater_.avail_in = static_cast<uInt>(count);
    return {};
  }

  // After a member comes the next one, or zeros that fill a tape's block.
  Status StartMember() {
    if (!first_ && *inflater_.next_in == 0) {
      at_padding_ = true;
      return {};
    }
    between_members_ = false;
    first_ = false;
    return ::inflateReset(&inflater_) == Z_OK ? Status() : Damaged();
  }

  Status Unpack() {
    const int outcome = ::inflate(&inflater_, Z_NO_FLUSH);
    if (outcome == Z_STREAM_END) {
      between_members_ = true;
      return {};
    }
    if (outcome == Z_OK || outcome == Z_BUF_ERROR) return {};
    if (outcome == Z_MEM_ERROR) return Fail(ErrorCode::kIo, name_ + ": no memory to unpack it");
    return Damaged();
  }

  tl::unexpected<Error> Damaged() const {
    return Fail(ErrorCode::kCorrupt, name_ + " is damaged: gzip cannot unpack it",
                "Copy or pack it again; `gzip -t` tests it.");
  }

  std::unique_ptr<ByteStream> packed_;
  std::string name_;
  std::vector<char> input_;
  z_stream inflater_{};
  bool ready_ = false;
  bool first_ = true;
  bool between_members_ = true;
  bool at_padding_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteStream>> OpenByteStream(const std::filesystem::path& file) {
  const std::string name = file.string();
  TRY_STATUS(CheckNamedFile(file, "file"));
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return Fail(ErrorCode::kPermission, name + " cannot be opened for reading",
                "Give the account that runs this program the right to read it.");
  }
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  auto bytes = std::make_unique<FileBytes>(descriptor, error ? 0 : size, name);
  if (bytes->StartsWith(kGzipMagic)) return Unpacked(std::move(bytes), name);
  if (file.extension() == ".gz" && size > 0) {
    return Fail(ErrorCode::kCorrupt, name + " is not what gzip makes, although its name says so",
                "Pack it again, or rename it if it was never packed.");
  }
  return bytes;
}

std::unique_ptr<ByteStream> StreamOf(std::unique_ptr<std::istream> stream, std::string name) {
  return std::make_unique<StreamBytes>(std::move(stream), std::move(name));
}

std::unique_ptr<ByteStream> Unpacked(std::unique_ptr<ByteStream> packed, std::string name) {
  return std::make_unique<GzipBytes>(std::move(packed), std::move(name));
}

}  // namespace consilium
