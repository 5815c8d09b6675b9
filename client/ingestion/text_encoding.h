#pragma once

// Bytes of a text file as UTF-8.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace consilium {

enum class TextEncoding { kUtf8, kLatin1, kWindows1252 };

/// "utf-8", "latin-1", "windows-1252": as written in source files.
std::string_view Name(TextEncoding encoding);
/// The encoding of that name, in any case of letters; also takes "utf8" and "iso-8859-1".
std::optional<TextEncoding> FindTextEncoding(std::string_view name);

/// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsUtf8(std::string_view text);

bool IsAscii(std::string_view text);

/// A character of one byte takes no more in UTF-8.
inline constexpr std::size_t kMostUtf8Bytes = 3;
/// Appends `text` as UTF-8. False if it holds bytes that the encoding does not define; what was
/// appended is then unspecified.
bool AppendAsUtf8(TextEncoding encoding, std::string_view text, std::string& out);
/// The same of UTF-16. Halves of pairs become U+FFFD.
void AppendUtf16AsUtf8(std::u16string_view text, std::string& out);

}  // namespace consilium
