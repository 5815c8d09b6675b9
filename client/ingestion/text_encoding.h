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

/// Turns `text` into UTF-8 in place. False if it holds bytes that the encoding does not define;
/// `text` is then unspecified.
bool ConvertToUtf8(TextEncoding encoding, std::string& text);

}  // namespace consilium
