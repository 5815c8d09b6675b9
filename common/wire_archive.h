#pragma once

// The two archives that messages are written with. They take part in cereal's dispatch (a message's
// serialize() serves both), but accept only fields whose size is known or capped:
//   bool, u8..u64, i32, i64, double       fixed size, little-endian; a double as its IEEE bits
//   std::array<T, N>                      N elements without a length
//   std::optional<T>                      a bool, then the value if there is one
//   structs with serialize()              their fields in order
//   AtMost<Cap>(field)                    Bytes, std::string (UTF-8), std::vector<T>: a u32 length
//   AtMost<Cap, Inner...>(field)          the same for std::vector<std::string> and deeper
//   EnumBetween<First, Last>(field)       an enum without gaps, as its underlying integer
// Anything else (a bare vector, string, enum or pointer) does not compile.

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <cereal/cereal.hpp>

#include "common/bytes.h"
#include "common/check.h"

namespace consilium {

/// Why bytes were refused.
enum class WireFault {
  kTruncated,  ///< A fixed-size field goes beyond the last byte.
  kBoolean,    ///< A boolean other than 0 or 1.
  kCap,        ///< A length over the field's cap.
  kLength,     ///< A length that the bytes left cannot hold.
  kText,       ///< Text that is not valid UTF-8.
  kEnum,       ///< An enumeration value outside its range.
  kMemory      ///< Elements that would take far more memory than the message has bytes.
};

class WireError : public std::runtime_error {
 public:
  explicit WireError(WireFault fault);
  WireFault fault() const { return fault_; }

 private:
  WireFault fault_;
};

/// Whether text is UTF-8 as RFC 3629 has it: no overlong forms, surrogates or values over 10FFFF.
bool ValidUtf8(std::string_view text);

template <class Field, std::size_t Cap, std::size_t... Inner>
struct CappedField {
  Field& field;
};

template <class Field, Field First, Field Last>
struct RangedField {
  Field& field;
};

/// A variable-length field of at most `Cap` elements (bytes for text), whose elements, where they
/// are of variable length themselves, have the caps `Inner`. A cap reaches through std::optional.
template <std::size_t Cap, std::size_t... Inner, class Field>
CappedField<Field, Cap, Inner...> AtMost(Field& field) {
  static_assert(Cap <= UINT32_MAX, "lengths have 32 bits");
  return {field};
}

/// An enum whose values run from First to Last without a gap.
template <auto First, auto Last, class Field>
requires std::is_enum_v<Field> && std::same_as<decltype(First), Field> &&
    std::same_as<decltype(Last), Field>
        RangedField<Field, First, Last> EnumBetween(Field& field) {
  static_assert(First <= Last);
  return {field};
}

template <class T>
concept WireNumber = std::same_as<T, std::uint8_t> || std::same_as<T, std::uint16_t> ||
    std::same_as<T, std::uint32_t> || std::same_as<T, std::uint64_t> ||
    std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t> || std::same_as<T, double>;

namespace wire_internal {

template <class T, class Archive>
concept HasSerialize = requires(T& value, Archive& archive) {
  value.serialize(archive);
};

/// Fields that the archives write themselves, as opposed to structs, which cereal descends into.
template <class T, class Archive>
struct IsLeaf : std::bool_constant<WireNumber<T> || std::same_as<T, bool>> {};

template <class T, class Archive>
struct IsField : std::bool_constant<IsLeaf<T, Archive>::value || HasSerialize<T, Archive>> {};

template <class T, class Archive>
struct IsLeaf<std::optional<T>, Archive> : IsField<T, Archive> {};
template <class T, std::size_t N, class Archive>
struct IsLeaf<std::array<T, N>, Archive>
    : std::bool_constant<std::same_as<T, std::byte> || IsField<T, Archive>::value> {};
template <class T, T First, T Last, class Archive>
struct IsLeaf<RangedField<T, First, Last>, Archive>
    : std::bool_constant<WireNumber<std::underlying_type_t<T>>> {};

template <std::size_t Cap, class Archive>
struct IsLeaf<CappedField<std::string, Cap>, Archive> : std::true_type {};
template <std::size_t Cap, class Archive>
struct IsLeaf<CappedField<Bytes, Cap>, Archive> : std::true_type {};
template <class T, std::size_t Cap, class Archive>
struct IsLeaf<CappedField<std::vector<T>, Cap>, Archive>
    : std::bool_constant<!std::same_as<T, bool> && IsField<T, Archive>::value> {};
template <class T, std::size_t Cap, std::size_t Next, std::size_t... Inner, class Archive>
struct IsLeaf<CappedField<std::vector<T>, Cap, Next, Inner...>, Archive>
    : IsLeaf<CappedField<T, Next, Inner...>, Archive> {};
template <class T, std::size_t Cap, std::size_t... Inner, class Archive>
struct IsLeaf<CappedField<std::optional<T>, Cap, Inner...>, Archive>
    : IsLeaf<CappedField<T, Cap, Inner...>, Archive> {};

template <WireNumber Number>
constexpr ByteArray<sizeof(Number)> LittleEndian(Number value) {
  auto bytes = std::bit_cast<ByteArray<sizeof(Number)>>(value);
  if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

/// An element in memory may be larger than its encoding (an empty string: 32 bytes for 4). Elements
/// of one message may take this much: enough for any real message, too little to exhaust a machine.
inline constexpr std::size_t kMemoryPerByte = 64;
inline constexpr std::size_t kMemoryFree = 65536;

}  // namespace wire_internal

/// What may stand in archive(...).
template <class T, class Archive>
concept WireField = wire_internal::IsField<T, Archive>::value;

/// Writes fields to a growing buffer. A field over its cap, or text that is not UTF-8, is a broken
/// invariant of the caller, who must have checked before.
class WireWriter : public cereal::OutputArchive<WireWriter> {
 public:
  WireWriter() : cereal::OutputArchive<WireWriter>(this) {}

  template <class... Fields>
  requires(WireField<std::remove_cvref_t<Fields>, WireWriter>&&...) WireWriter& operator()(
      Fields&&... fields) {
    cereal::OutputArchive<WireWriter>::operator()(std::forward<Fields>(fields)...);
    return *this;
  }
  template <class T>
  WireWriter& operator&(T&&) = delete;
  template <class T>
  WireWriter& operator<<(T&&) = delete;

  /// The bytes written so far; the writer is spent.
  Bytes Take() &&;

  void Put(bool value) { Put(static_cast<std::uint8_t>(value ? 1 : 0)); }
  template <WireNumber Number>
  void Put(Number value) {
    Append(wire_internal::LittleEndian(value));
  }
  template <class T>
  void Put(const std::optional<T>& field) {
    Put(field.has_value());
    if (field.has_value()) (*this)(*field);
  }
  template <class T, std::size_t N>
  void Put(const std::array<T, N>& field) {
    if constexpr (std::same_as<T, std::byte>) {
      Append(field);
    } else {
      for (const T& element : field) (*this)(element);
    }
  }
  template <class T, T First, T Last>
  void Put(const RangedField<T, First, Last>& ranged) {
    CHECK(ranged.field >= First && ranged.field <= Last);
    Put(static_cast<std::underlying_type_t<T>>(ranged.field));
  }
  template <std::size_t Cap>
  void Put(const CappedField<std::string, Cap>& capped) {
    CHECK(ValidUtf8(capped.field));
    PutLength(capped.field.size(), Cap);
    Append(AsBytes(capped.field));
  }
  template <class T, std::size_t Cap, std::size_t... Inner>
  void Put(const CappedField<std::vector<T>, Cap, Inner...>& capped) {
    PutLength(capped.field.size(), Cap);
    if constexpr (std::same_as<T, std::byte>) {
      Append(capped.field);
    } else if constexpr (WireNumber<T> && std::endian::native == std::endian::little) {
      Append(std::as_bytes(std::span<const T>(capped.field)));
    } else {
      for (T& element : capped.field) {
        const std::size_t before = bytes_.size();
        if constexpr (sizeof...(Inner) > 0) {
          (*this)(AtMost<Inner...>(element));
        } else {
          (*this)(element);
        }
        // An element without bytes would be one that a reader's length check refuses.
        CHECK(bytes_.size() > before);
        if constexpr (!WireNumber<T>) element_memory_ += sizeof(T);
      }
    }
  }
  template <class T, std::size_t Cap, std::size_t... Inner>
  void Put(const CappedField<std::optional<T>, Cap, Inner...>& capped) {
    Put(capped.field.has_value());
    if (capped.field.has_value()) (*this)(AtMost<Cap, Inner...>(*capped.field));
  }

 private:
  void PutLength(std::size_t length, std::size_t cap);
  void Append(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  Bytes bytes_;
  std::size_t element_memory_ = 0;
};

/// Reads fields from bytes that nobody vouches for; throws WireError at the first that is wrong.
class WireReader : public cereal::InputArchive<WireReader> {
 public:
  /// The bytes must outlive the reader.
  explicit WireReader(ByteSpan bytes);

  template <class... Fields>
  requires(WireField<std::remove_cvref_t<Fields>, WireReader>&&...) WireReader& operator()(
      Fields&&... fields) {
    cereal::InputArchive<WireReader>::operator()(std::forward<Fields>(fields)...);
    return *this;
  }
  template <class T>
  WireReader& operator&(T&&) = delete;
  template <class T>
  WireReader& operator>>(T&&) = delete;

  bool AtEnd() const { return left_.empty(); }

  void Get(bool& value);
  template <WireNumber Number>
  void Get(Number& value) {
    ByteArray<sizeof(Number)> bytes;
    Get(bytes);
    if constexpr (std::endian::native == std::endian::big) std::reverse(bytes.begin(), bytes.end());
    value = std::bit_cast<Number>(bytes);
  }
  template <class T>
  void Get(std::optional<T>& field) {
    if (GetPresence()) {
      (*this)(field.emplace());
    } else {
      field.reset();
    }
  }
  template <class T, std::size_t N>
  void Get(std::array<T, N>& field) {
    if constexpr (std::same_as<T, std::byte>) {
      const ByteSpan bytes = Next(N);
      std::copy(bytes.begin(), bytes.end(), field.begin());
    } else {
      for (T& element : field) (*this)(element);
    }
  }
  template <class T, T First, T Last>
  void Get(RangedField<T, First, Last>& ranged) {
    using Number = std::underlying_type_t<T>;
    Number number{};
    Get(number);
    if (number < static_cast<Number>(First) || number > static_cast<Number>(Last)) {
      throw WireError(WireFault::kEnum);
    }
    ranged.field = static_cast<T>(number);
  }
  template <std::size_t Cap>
  void Get(CappedField<std::string, Cap>& capped) {
    const std::string_view text = AsText(Next(GetLength(Cap, 1)));
    if (!ValidUtf8(text)) throw WireError(WireFault::kText);
    capped.field = text;
  }
  template <class T, std::size_t Cap, std::size_t... Inner>
  void Get(CappedField<std::vector<T>, Cap, Inner...>& capped) {
    if constexpr (std::same_as<T, std::byte>) {
      const ByteSpan bytes = Next(GetLength(Cap, 1));
      capped.field.assign(bytes.begin(), bytes.end());
    } else if constexpr (WireNumber<T>) {
      GetNumbers(capped.field, GetLength(Cap, sizeof(T)));
    } else {
      GetElements<T, Inner...>(capped.field, GetLength(Cap, 1));
    }
  }
  template <class T, std::size_t Cap, std::size_t... Inner>
  void Get(CappedField<std::optional<T>, Cap, Inner...>& capped) {
    if (GetPresence()) {
      (*this)(AtMost<Cap, Inner...>(capped.field.emplace()));
    } else {
      capped.field.reset();
    }
  }

 private:
  template <WireNumber Number>
  void GetNumbers(std::vector<Number>& numbers, std::size_t length) {
    numbers.resize(length);
    if constexpr (std::endian::native == std::endian::little) {
      const ByteSpan bytes = Next(length * sizeof(Number));
      if (length > 0) std::memcpy(numbers.data(), bytes.data(), bytes.size());
    } else {
      for (Number& number : numbers) Get(number);
    }
  }
  template <class T, std::size_t... Inner>
  void GetElements(std::vector<T>& elements, std::size_t length) {
    elements.clear();
    elements.reserve(std::min(length, left_.size() / sizeof(T) + 1));
    for (std::size_t i = 0; i < length; ++i) {
      if (left_.empty()) throw WireError(WireFault::kTruncated);
      ChargeMemory(sizeof(T));
      T& element = elements.emplace_back();
      if constexpr (sizeof...(Inner) > 0) {
        (*this)(AtMost<Inner...>(element));
      } else {
        (*this)(element);
      }
    }
  }
  ByteSpan Next(std::size_t count);
  bool GetPresence();
  std::size_t GetLength(std::size_t cap, std::size_t element_bytes);
  void ChargeMemory(std::size_t bytes);

  ByteSpan left_;
  std::size_t memory_left_;
};

// The names that cereal's dispatch looks for.
template <class T>
requires(wire_internal::IsLeaf<T, WireWriter>::value) void CEREAL_SAVE_FUNCTION_NAME(
    WireWriter& writer, const T& field) {
  writer.Put(field);
}
template <class T>
requires(wire_internal::IsLeaf<T, WireReader>::value) void CEREAL_LOAD_FUNCTION_NAME(
    WireReader& reader, T& field) {
  reader.Get(field);
}

}  // namespace consilium
