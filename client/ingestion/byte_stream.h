#pragma once

// The bytes of a data file one after the other, as they lie there or, if gzip packed them,
// unpacked.

#include <cstddef>
#include <filesystem>
#include <istream>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "common/result.h"

namespace consilium {

class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// Fills `into` as far as there are bytes: fewer only at the end, where it is 0 from then on.
  virtual Result<std::size_t> Read(std::span<char> into) = 0;
  /// The share of the file that has been read, where its size is known.
  virtual std::optional<double> Progress() const { return std::nullopt; }
};

/// A regular file. What gzip packed is known by its first bytes, whatever the file's name, and
/// unpacked; members that follow one another are one text. A packed file that was cut off or
/// damaged is an error at its end, or before.
Result<std::unique_ptr<ByteStream>> OpenByteStream(const std::filesystem::path& file);

/// The bytes of a stream; `name` stands for it in messages.
std::unique_ptr<ByteStream> StreamOf(std::unique_ptr<std::istream> stream, std::string name);

/// What `packed`, called `name`, unpacks to.
std::unique_ptr<ByteStream> Unpacked(std::unique_ptr<ByteStream> packed, std::string name);

}  // namespace consilium
