#include "client/ingestion/stat/stat_exchange.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <unistd.h>

namespace consilium {
namespace {

constexpr std::array<std::pair<StatFormat, std::string_view>, 5> kNames = {
    {{StatFormat::kSas7bdat, "sas7bdat"},
     {StatFormat::kXpt, "xpt"},
     {StatFormat::kSav, "sav"},
     {StatFormat::kPor, "por"},
     {StatFormat::kDta, "dta"}}};

// One digit for four variables, since a command line's argument has at most 128 KiB.
std::string DigitsOf(const std::vector<bool>& bits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bits.size(); i += 4) {
    unsigned digit = 0;
    for (std::size_t bit = 0; bit < 4 && i + bit < bits.size(); ++bit) {
      digit |= bits[i + bit] ? 1U << bit : 0U;
    }
    text += kDigits[digit];
  }
  return text;
}

/// Four for each digit: there may be up to three too many, which are false.
std::optional<std::vector<bool>> BitsOf(std::string_view text) {
  std::vector<bool> bits;
  for (const char c : text) {
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else {
      return std::nullopt;
    }
    for (unsigned bit = 0; bit < 4; ++bit) bits.push_back((digit >> bit & 1U) != 0);
  }
  return bits;
}

}  // namespace

std::string_view NameOf(StatFormat format) {
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const auto& entry) { return entry.first == format; });
  return found == kNames.end() ? std::string_view() : found->second;
}

std::optional<StatFormat> FindStatFormat(std::string_view name) {
  for (const auto& [format, its_name] : kNames) {
    if (its_name == name) return format;
  }
  return std::nullopt;
}

std::vector<std::string> ArgumentsOf(const StatQuestion& question) {
  std::vector<std::string> arguments = {std::string(NameOf(question.format)), question.encoding,
                                        question.keep_missing ? "keep" : "missing"};
  if (question.wanted.empty()) return arguments;
  for (const auto* bits : {&question.wanted, &question.labelled, &question.days}) {
    arguments.push_back(DigitsOf(*bits));
  }
  return arguments;
}

Result<StatQuestion> QuestionOf(const std::vector<std::string>& arguments) {
  const auto fail = [] {
    return Fail(ErrorCode::kInvalidArgument, "this is no question that consilium-site asks",
                "It starts this program itself, for sources of SAS, SPSS and Stata files.");
  };
  if (arguments.size() != 3 && arguments.size() != 6) return fail();
  StatQuestion question;
  const auto format = FindStatFormat(arguments[0]);
  if (!format || (arguments[2] != "keep" && arguments[2] != "missing")) return fail();
  question.format = *format;
  question.encoding = arguments[1];
  question.keep_missing = arguments[2] == "keep";
  if (arguments.size() == 3) return question;
  const auto wanted = BitsOf(arguments[3]);
  const auto labelled = BitsOf(arguments[4]);
  const auto days = BitsOf(arguments[5]);
  if (!wanted || !labelled || !days || wanted->empty() || wanted->size() != labelled->size() ||
      wanted->size() != days->size()) {
    return fail();
  }
  question.wanted = *wanted;
  question.labelled = *labelled;
  question.days = *days;
  return question;
}

void PutLength(std::uint32_t length, std::string& out) {
  for (unsigned shift = 0; shift < 32; shift += 8)
    out += static_cast<char>(length >> shift & 0xFFU);
}

std::uint32_t LengthAt(std::string_view bytes, std::size_t at) {
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4; ++i) {
    length |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return length;
}

bool StatFrameWriter::Put(StatFrame kind, std::string_view content) {
  constexpr std::size_t kAtOnce = 64 * 1024;
  waiting_ += static_cast<char>(kind);
  PutLength(static_cast<std::uint32_t>(content.size()), waiting_);
  waiting_ += content;
  return waiting_.size() < kAtOnce || Flush();
}

bool StatFrameWriter::Flush() {
  std::string_view left = waiting_;
  while (!left.empty() && open_) {
    const ::ssize_t written = ::write(out_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    open_ = written > 0;
    if (open_) left.remove_prefix(static_cast<std::size_t>(written));
  }
  waiting_.clear();
  return open_;
}

}  // namespace consilium
