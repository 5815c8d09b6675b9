#include "client/ingestion/text_encoding.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace consilium {
namespace {

// Code points of the bytes 0x80 to 0x9F in Windows-1252; 0 where it defines none.
constexpr std::array<std::uint16_t, 32> kWindows1252High = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

unsigned Byte(char c) { return static_cast<unsigned char>(c); }

void AppendUtf8(unsigned code_point, std::string& out) {
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6U)));
    out.push_back(static_cast<char>(0x80U | (code_point & 0x3FU)));
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12U)));
    out.push_back(static_cast<char>(0x80U | ((code_point >> 6U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code_point & 0x3FU)));
  } else {
    out.push_back(static_cast<char>(0xF0U | (code_point >> 18U)));
    out.push_back(static_cast<char>(0x80U | ((code_point >> 12U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | ((code_point >> 6U) & 0x3FU)));
    out.push_back(static_cast<char>(0x80U | (code_point & 0x3FU)));
  }
}

// Length of the well-formed sequence at the start of `text`, 0 if there is none.
std::size_t SequenceLength(std::string_view text) {
  const unsigned lead = Byte(text[0]);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  unsigned lowest_second = 0x80;
  unsigned highest_second = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) lowest_second = 0xA0;
    if (lead == 0xED) highest_second = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) lowest_second = 0x90;
    if (lead == 0xF4) highest_second = 0x8F;
  }
  if (length == 0 || text.size() < length) return 0;
  if (Byte(text[1]) < lowest_second || Byte(text[1]) > highest_second) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((Byte(text[i]) & 0xC0U) != 0x80U) return 0;
  }
  return length;
}

}  // namespace

std::string_view Name(TextEncoding encoding) {
  switch (encoding) {
    case TextEncoding::kUtf8:
      return "utf-8";
    case TextEncoding::kLatin1:
      return "latin-1";
    case TextEncoding::kWindows1252:
      return "windows-1252";
  }
  return "";
}

std::optional<TextEncoding> FindTextEncoding(std::string_view name) {
  std::string lower;
  for (const char c : name) {
    lower.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  if (lower == "utf-8" || lower == "utf8") return TextEncoding::kUtf8;
  if (lower == "latin-1" || lower == "latin1" || lower == "iso-8859-1") {
    return TextEncoding::kLatin1;
  }
  if (lower == "windows-1252" || lower == "cp1252") return TextEncoding::kWindows1252;
  return std::nullopt;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool IsAscii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof eight);
    if ((eight & kHighBits) != 0) return false;
    text.remove_prefix(sizeof eight);
  }
  unsigned bits = 0;
  for (const char c : text) bits |= Byte(c);
  return bits < 0x80;
}

bool AppendAsUtf8(TextEncoding encoding, std::string_view text, std::string& out) {
  if (encoding == TextEncoding::kUtf8) {
    if (!IsUtf8(text)) return false;
    out += text;
    return true;
  }
  for (const char c : text) {
    unsigned code_point = Byte(c);
    if (encoding == TextEncoding::kWindows1252 && code_point >= 0x80 && code_point < 0xA0) {
      code_point = kWindows1252High[code_point - 0x80];
      if (code_point == 0) return false;
    }
    AppendUtf8(code_point, out);
  }
  return true;
}

void AppendUtf16AsUtf8(std::u16string_view text, std::string& out) {
  constexpr unsigned kReplacement = 0xFFFD;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code_point = text[i];
    const bool first_half = code_point >= 0xD800 && code_point < 0xDC00;
    const unsigned next = first_half && i + 1 < text.size() ? text[i + 1] : 0U;
    if (next >= 0xDC00 && next < 0xE000) {
      code_point = 0x10000 + ((code_point - 0xD800) << 10U) + (next - 0xDC00);
      ++i;
    } else if (code_point >= 0xD800 && code_point < 0xE000) {
      code_point = kReplacement;
    }
    AppendUtf8(code_point, out);
  }
}

}  // namespace consilium
