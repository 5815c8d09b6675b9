#include "client/ingestion/fhir/fhirpath_lexer.h"

#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "client/ingestion/fhir/fhir_time.h"

namespace consilium {
namespace {

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr std::array<std::string_view, 6> kLongSymbols = {"!=", "<=", ">=", "!~", "::", ".."};

void AppendUtf8(std::uint32_t code, std::string& text) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0 | (code >> 6)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    text.push_back(static_cast<char>(0xE0 | (code >> 12)));
    text.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view expression) : expression_(expression) {}

  Result<std::vector<FhirToken>> Run() {
    if (expression_.size() > kMostFhirPathBytes) {
      return Fail(ErrorCode::kInvalidArgument,
                  "a path of more than " + std::to_string(kMostFhirPathBytes) + " bytes");
    }
    std::vector<FhirToken> tokens;
    for (;;) {
      TRY_STATUS(SkipBlanks());
      TRY(FhirToken token, Next());
      tokens.push_back(std::move(token));
      if (tokens.back().kind == FhirTokenKind::kEnd) return tokens;
    }
  }

 private:
  char At(std::size_t position) const {
    return position < expression_.size() ? expression_[position] : '\0';
  }

  tl::unexpected<Error> FailAt(std::size_t position, std::string message) const {
    return FailInFhirPath(expression_, position + 1, std::move(message));
  }

  Status SkipBlanks() {
    for (;;) {
      while (IsSpace(At(position_))) ++position_;
      if (At(position_) != '/') return {};
      if (At(position_ + 1) == '/') {
        while (position_ < expression_.size() && expression_[position_] != '\n') ++position_;
      } else if (At(position_ + 1) == '*') {
        const std::size_t end = expression_.find("*/", position_ + 2);
        if (end == std::string_view::npos) return FailAt(position_, "a comment has no end");
        position_ = end + 2;
      } else {
        return {};
      }
    }
  }

  Result<FhirToken> Next() {
    FhirToken token;
    token.position = position_ + 1;
    const char c = At(position_);
    if (position_ == expression_.size()) return token;
    if (IsLetter(c)) return Word(std::move(token), FhirTokenKind::kName);
    if (IsDigit(c)) return Number(std::move(token));
    if (c == '\'') return Quoted(std::move(token), FhirTokenKind::kText);
    if (c == '`') {
      token.quoted = true;
      return Quoted(std::move(token), FhirTokenKind::kName);
    }
    if (c == '@') return Moment(std::move(token));
    if (c == '$' && IsLetter(At(position_ + 1))) {
      ++position_;
      return Word(std::move(token), FhirTokenKind::kVariable);
    }
    if (c == '%') {
      ++position_;
      const char next = At(position_);
      if (next == '\'' || next == '`') return Quoted(std::move(token), FhirTokenKind::kConstant);
      if (IsLetter(next)) return Word(std::move(token), FhirTokenKind::kConstant);
      return FailAt(position_ - 1, "% without the name of a constant");
    }
    return Symbol(std::move(token));
  }

  Result<FhirToken> Word(FhirToken token, FhirTokenKind kind) {
    const std::size_t start = position_;
    while (IsLetter(At(position_)) || IsDigit(At(position_))) ++position_;
    token.kind = kind;
    token.text = expression_.substr(start, position_ - start);
    return token;
  }

  Result<FhirToken> Number(FhirToken token) {
    const std::size_t start = position_;
    while (IsDigit(At(position_))) ++position_;
    if (At(position_) == '.' && IsDigit(At(position_ + 1))) {
      ++position_;
      while (IsDigit(At(position_))) ++position_;
    }
    if (IsLetter(At(position_))) return FailAt(start, "a number runs into a word");
    token.kind = FhirTokenKind::kNumber;
    token.text = expression_.substr(start, position_ - start);
    return token;
  }

  Result<FhirToken> Quoted(FhirToken token, FhirTokenKind kind) {
    const std::size_t start = position_;
    const char mark = At(position_++);
    token.kind = kind;
    for (;;) {
      if (position_ >= expression_.size()) return FailAt(start, "a quote has no end");
      const char c = expression_[position_++];
      if (c == mark) return token;
      if (c != '\\') {
        token.text.push_back(c);
        continue;
      }
      TRY_STATUS(Escape(token.text));
    }
  }

  Status Escape(std::string& text) {
    const std::size_t start = position_ - 1;
    const char c = At(position_++);
    switch (c) {
      case '\'':
      case '"':
      case '`':
      case '\\':
      case '/':
        text.push_back(c);
        return {};
      case 'r':
        text.push_back('\r');
        return {};
      case 'n':
        text.push_back('\n');
        return {};
      case 't':
        text.push_back('\t');
        return {};
      case 'f':
        text.push_back('\f');
        return {};
      case 'u':
        return UnicodeEscape(start, text);
      default:
        return FailAt(start, "no such escape in a text");
    }
  }

  Status UnicodeEscape(std::size_t start, std::string& text) {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = At(position_++);
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) {
        return FailAt(start, "\\u takes four hexadecimal digits");
      }
      const int digit = IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
      code = code * 16 + static_cast<std::uint32_t>(digit);
    }
    if (code == 0 || (code >= 0xD800 && code < 0xE000)) {
      return FailAt(start, "\\u names no character of its own");
    }
    AppendUtf8(code, text);
    return {};
  }

  Result<FhirToken> Moment(FhirToken token) {
    const std::size_t start = position_++;
    const bool time = At(position_) == 'T';
    if (time) ++position_;
    const std::size_t first = position_;
    const auto belongs = [](char c) {
      return IsDigit(c) || c == '-' || c == ':' || c == '+' || c == 'T' || c == 'Z';
    };
    while (belongs(At(position_)) || (At(position_) == '.' && IsDigit(At(position_ + 1)))) {
      ++position_;
    }
    token.text = expression_.substr(first, position_ - first);
    // "@2020T" is a dateTime as coarse as a year.
    const bool coarse = !time && token.text.ends_with('T');
    if (coarse) token.text.pop_back();
    bool valid = false;
    if (time) {
      token.kind = FhirTokenKind::kTime;
      valid = Temporal::ParseTime(token.text).has_value();
    } else if (coarse || token.text.find('T') != std::string::npos) {
      token.kind = FhirTokenKind::kDateTime;
      valid = Temporal::ParseDateTime(token.text).has_value();
    } else {
      token.kind = FhirTokenKind::kDate;
      valid = Temporal::ParseDate(token.text).has_value();
    }
    if (!valid) return FailAt(start, "@ without a date or time that exists");
    return token;
  }

  Result<FhirToken> Symbol(FhirToken token) {
    token.kind = FhirTokenKind::kSymbol;
    for (const std::string_view symbol : kLongSymbols) {
      if (expression_.substr(position_).starts_with(symbol)) {
        token.text = symbol;
        position_ += symbol.size();
        return token;
      }
    }
    const char c = At(position_);
    if (std::string_view("()[]{}.,+-*/=<>|&~").find(c) == std::string_view::npos) {
      return FailAt(position_, "a character that no path has");
    }
    token.text = std::string(1, c);
    ++position_;
    return token;
  }

  std::string_view expression_;
  std::size_t position_ = 0;
};

}  // namespace

tl::unexpected<Error> FailInFhirPath(std::string_view expression,
                                     std::size_t position,
                                     std::string message,
                                     std::string remedy) {
  constexpr std::size_t kShown = 120;
  std::string shown(expression.substr(0, kShown));
  if (expression.size() > kShown) shown += "...";
  return Fail(ErrorCode::kInvalidArgument,
              "at character " + std::to_string(position) + " of \"" + shown + "\": " + message,
              std::move(remedy));
}

Result<std::vector<FhirToken>> FhirPathTokens(std::string_view expression) {
  return Lexer(expression).Run();
}

}  // namespace consilium
