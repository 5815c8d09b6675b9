// Names, sizes and words.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/repository/source_tree.h"

namespace consilium {
namespace {

constexpr std::size_t kMaxFileLines = 500;
constexpr std::size_t kMaxFunctionLines = 60;
constexpr std::size_t kMaxColumns = 100;

std::size_t ColumnsOf(const std::string& line) {
  std::size_t columns = 0;
  for (const char c : line) columns += (static_cast<unsigned char>(c) & 0xc0u) != 0x80u ? 1 : 0;
  return columns;
}

void CheckSizes(const SourceFile& file, Findings& findings) {
  if (file.lines.size() >= kMaxFileLines) {
    findings.Add(file, file.lines.size(), "is the file's last line; fewer than 500 are allowed.",
                 "Split it by concept.");
  }
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (ColumnsOf(file.lines[i]) > kMaxColumns) {
      findings.Add(file, i + 1, "is longer than 100 columns.", "Run clang-format-14 -i on it.");
    }
  }
  for (const FunctionExtent& function : FunctionsOf(file)) {
    if (function.lines >= kMaxFunctionLines) {
      findings.Add(file, function.first_line,
                   "starts a function of " + std::to_string(function.lines) +
                       " lines; fewer than 60 are allowed.",
                   "Split it into steps with names.");
    }
  }
}

void CheckMarkers(const SourceFile& file, Findings& findings) {
  static const std::regex kMarker(R"(\b(TO)"
                                  R"(DO|FIX)"
                                  R"(ME|XX)"
                                  R"(X)\b)");
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], kMarker)) {
      findings.Add(file, i + 1, "leaves a marker for later.",
                   "Do it, or describe the limit in docs/.");
    }
  }
}

void CheckWords(const SourceFile& file, Findings& findings) {
  // Split, so that this file does not match itself.
  static const std::regex kForeign(R"((/wo)"
                                   R"(rk/|/far)"
                                   R"(m/|/tmp/bri)"
                                   R"(ef|/ro)"
                                   R"(ot/|/ho)"
                                   R"(me/|\biss)"
                                   R"(ues? #?[0-9]|#[0-9]+\b(?!;)|)"
                                   R"(\bsess)"
                                   R"(ion's (brief|note)|\bcla)"
                                   R"(ude|\bchat)"
                                   R"(gpt|\bcopi)"
                                   R"(lot\b|language mod)"
                                   R"(el))",
                                   std::regex::icase);
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], kForeign)) {
      findings.Add(file, i + 1, "names a machine's path, a ticket or a tool that wrote it.",
                   "Say what holds, for a reader who knows only this repository.");
    }
  }
}

bool IsSnakeCase(const std::string& name) {
  static const std::regex kSnake(R"([a-z0-9]+(_[a-z0-9]+)*\.(h|cc))");
  return std::regex_match(name, kSnake);
}

template <class Rule>
Findings Violations(Rule rule, bool cpp_only) {
  Findings findings;
  for (const SourceFile& file : SourceTree()) {
    if (!cpp_only || file.IsCpp()) rule(file, findings);
  }
  return findings;
}

TEST(StyleTest, FilesFunctionsAndLinesAreShort) {
  const Findings findings = Violations(CheckSizes, true);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(StyleTest, NothingIsLeftForLater) {
  const Findings findings = Violations(CheckMarkers, false);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(StyleTest, TheTreeSpeaksOnlyOfItself) {
  const auto rule = [](const SourceFile& file, Findings& findings) {
    // A fuzzer's inputs are nobody's words.
    const bool is_input = file.path.starts_with("tests/fuzz/corpus/");
    if (file.path != "LICENSE" && !is_input) CheckWords(file, findings);
  };
  const Findings findings = Violations(rule, false);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(StyleTest, FilesAreSnakeCaseHeadersAndSources) {
  Findings findings;
  for (const SourceFile& file : SourceTree()) {
    const std::string extension = std::filesystem::path(file.path).extension().string();
    const bool foreign = extension == ".cpp" || extension == ".hpp" || extension == ".cxx" ||
                         extension == ".hh" || extension == ".c";
    if (foreign) findings.AddPath(file.path, "has another extension.", "Use .h and .cc.");
    if (file.IsCpp() && !IsSnakeCase(file.FileName())) {
      findings.AddPath(file.path, "is not in snake_case.", "Rename it.");
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(StyleTest, HeadersBeginWithPragmaOnce) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) {
    if (file->path.ends_with(".h") && !file->text.starts_with("#pragma once\n")) {
      findings.Add(*file, 1, "is not #pragma once.", "Begin the header with it.");
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(StyleTest, RulesFindBadExamples) {
  Findings findings;
  CheckMarkers(MakeSourceFile("a.cc", std::string("// TO") + "DO: later\n"), findings);
  CheckMarkers(MakeSourceFile("a.cc", "int kTodos = 1;\n"), findings);
  EXPECT_EQ(findings.size(), 1u);
  CheckWords(MakeSourceFile("a.md", std::string("see iss") + "ue 3\n"), findings);
  CheckWords(MakeSourceFile("a.md", std::string("in /wo") + "rk/x\n"), findings);
  CheckWords(MakeSourceFile("a.md", "a session of the secure sum\n"), findings);
  EXPECT_EQ(findings.size(), 3u);
  std::string body = "void F() {\n";
  for (int i = 0; i < 60; ++i) body += "  G();\n";
  CheckSizes(MakeSourceFile("a.cc", body + "}\n"), findings);
  EXPECT_EQ(findings.size(), 4u);
  CheckSizes(MakeSourceFile("a.cc", std::string(101, 'x') + "\n"), findings);
  EXPECT_EQ(findings.size(), 5u);
  EXPECT_FALSE(IsSnakeCase("SiteCore.cc"));
  EXPECT_TRUE(IsSnakeCase("site_core.cc"));
}

/// The output of a shell command, both streams.
std::string OutputOf(const std::string& command) {
  std::string output;
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) output += buffer.data();
  ::pclose(pipe);
  return output;
}

TEST(StyleTest, CodeIsFormatted) {
  if (std::system("command -v clang-format-14 >/dev/null") != 0) {
    GTEST_SKIP() << "clang-format-14 is not installed; scripts/packages lists it";
  }
  std::string files;
  for (const SourceFile* file : CppFiles()) files += " '" + file->path + "'";
  const std::string command = "cd '" + RepositoryRoot().string() +
                              "' && clang-format-14 --dry-run --ferror-limit=1" + files;
  static const std::regex kPlace(R"(^([^: ]+:\d+):\d+: warning)");
  Findings findings;
  std::istringstream output(OutputOf(command));
  for (std::string line; std::getline(output, line);) {
    std::smatch match;
    if (std::regex_search(line, match, kPlace)) {
      findings.AddPath(match[1].str(), "is not formatted.", "Run clang-format-14 -i on it.");
    } else if (line.find(": error") != std::string::npos || line.starts_with("cannot run")) {
      findings.AddPath("clang-format-14", line, "Repair .clang-format.");
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

}  // namespace
}  // namespace consilium
