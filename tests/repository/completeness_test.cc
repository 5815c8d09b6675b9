// Nothing without a test, nothing on the wire without a line in the specification, no script that
// cannot be run.

#include <algorithm>
#include <cctype>

#include <gtest/gtest.h>

#include "tests/repository/source_tree.h"

namespace consilium {
namespace {

/// A unit's own header is the first of the project's that it includes.
std::string OwnHeader(const SourceFile& unit) {
  for (const Include& include : IncludesOf(unit)) {
    if (include.path.find('/') != std::string::npos && include.path.ends_with(".h")) {
      return include.path;
    }
  }
  return {};
}

/// True if a test names the unit, or includes its own header, or (for a unit split over several
/// files) the header whose name its own begins with.
bool HasTests(const SourceFile& unit, const std::string& all_tests) {
  const auto included = [&](const std::string& header) {
    return all_tests.find("#include \"" + header + "\"") != std::string::npos;
  };
  if (all_tests.find(unit.path) != std::string::npos) return true;
  const std::string stem = unit.path.substr(0, unit.path.size() - 3);
  const std::size_t slash = stem.rfind('/');
  const std::string own = OwnHeader(unit);
  if (own.starts_with(stem.substr(0, slash + 1)) && included(own)) return true;
  for (std::size_t end = stem.size(); end != std::string::npos && end > slash;
       end = stem.rfind('_', end - 1)) {
    if (included(stem.substr(0, end) + ".h")) return true;
  }
  return false;
}

/// The programs' outermost files are run by the end-to-end tests, as processes.
bool NeedsTests(const SourceFile& file) {
  if (!file.path.ends_with(".cc")) return false;
  const std::string name = file.FileName();
  for (const char* shell : {"main", "runtime", "commands", "doctor", "answerer"}) {
    if (name.starts_with(shell)) return false;
  }
  return file.Under("common/") || file.Under("protocols/") || file.Under("client/") ||
         file.Under("coordinator/");
}

struct Enumerator {
  std::string name;  ///< "second-survivor-set" of kSecondSurvivorSet.
  std::string number;
  std::size_t line = 0;
};

std::string KebabCase(std::string_view camel) {
  std::string kebab;
  for (const char c : camel.substr(1)) {
    if (std::isupper(static_cast<unsigned char>(c)) && !kebab.empty()) kebab += '-';
    kebab += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return kebab;
}

std::vector<Enumerator> EnumeratorsOf(const SourceFile& file, const std::string& enumeration) {
  static const std::regex kEnumerator(R"(^\s*(k[A-Z]\w*) = (\d+))");
  std::vector<Enumerator> found;
  bool inside = false;
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    if (file.code[i].find("enum class " + enumeration + " ") != std::string::npos) inside = true;
    std::smatch match;
    if (inside && std::regex_search(file.code[i], match, kEnumerator)) {
      found.push_back(Enumerator{KebabCase(match[1].str()), match[2].str(), i + 1});
    }
    if (inside && file.code[i].find("};") != std::string::npos) break;
  }
  return found;
}

bool HasTableRow(const SourceFile& document, const Enumerator& value) {
  return std::any_of(document.lines.begin(), document.lines.end(), [&](const std::string& line) {
    return line.starts_with("| " + value.number + " |") &&
           line.find("`" + value.name + "`") != std::string::npos;
  });
}

/// Findings for values that the document has no row "| NUMBER | `name` |" for.
void CheckDocumented(const char* header,
                     const char* enumeration,
                     const char* document_path,
                     Findings& findings) {
  const SourceFile* source = FindFile(header);
  const SourceFile* document = FindFile(document_path);
  ASSERT_NE(source, nullptr) << header;
  ASSERT_NE(document, nullptr) << document_path;
  const std::vector<Enumerator> values = EnumeratorsOf(*source, enumeration);
  ASSERT_GT(values.size(), 5u) << "the enum was not found in " << header;
  for (const Enumerator& value : values) {
    if (HasTableRow(*document, value)) continue;
    findings.Add(*source, value.line, "`" + value.name + "` has no row in " + document_path + ".",
                 "Add \"| " + value.number + " | `" + value.name + "` | ... |\" there.");
  }
}

TEST(CompletenessTest, EveryUnitHasATest) {
  std::string all_tests;
  for (const SourceFile* file : CppFiles()) {
    if (file->Under("tests/") && !file->Under("tests/repository/")) all_tests += file->text;
  }
  Findings findings;
  for (const SourceFile* file : CppFiles()) {
    if (NeedsTests(*file) && !HasTests(*file, all_tests)) {
      findings.AddPath(file->path, "is named by no test.",
                       "Write tests/" + file->path.substr(0, file->path.size() - 3) +
                           "_test.cc, or name the file in the test that covers it.");
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

/// True if a CMakeLists.txt lists the file by its path from there.
bool IsBuilt(const SourceFile& source) {
  const std::filesystem::path path(source.path);
  for (const SourceFile& lists : SourceTree()) {
    if (lists.FileName() != "CMakeLists.txt") continue;
    const auto folder = std::filesystem::path(lists.path).parent_path();
    const std::string name = path.lexically_relative(folder).generic_string();
    for (std::size_t at = lists.text.find(name); at != std::string::npos;
         at = lists.text.find(name, at + 1)) {
      const std::size_t end = at + name.size();
      const bool starts = at == 0 || std::isspace(static_cast<unsigned char>(lists.text[at - 1]));
      const bool ends = end == lists.text.size() || lists.text[end] == ')' ||
                        std::isspace(static_cast<unsigned char>(lists.text[end]));
      if (starts && ends) return true;
    }
  }
  return false;
}

TEST(CompletenessTest, EverySourceIsBuilt) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) {
    if (!file->path.ends_with(".cc") || IsBuilt(*file)) continue;
    findings.AddPath(file->path, "is in no CMakeLists.txt: it is never built.",
                     "List it, or remove it.");
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, KnowsWhatCountsAsATest) {
  const std::string tests = "#include \"common/settings.h\"\n// protocols/joining_files.cc\n";
  const char* includes = "#include \"common/settings.h\"\n";
  EXPECT_TRUE(HasTests(MakeSourceFile("common/settings.cc", includes), tests));
  EXPECT_TRUE(HasTests(MakeSourceFile("common/settings_read.cc", includes), tests));
  EXPECT_TRUE(HasTests(MakeSourceFile("protocols/joining_files.cc", ""), tests));
  EXPECT_FALSE(HasTests(MakeSourceFile("common/set.cc", "#include \"common/set.h\"\n"), tests));
  EXPECT_FALSE(HasTests(MakeSourceFile("client/settings.cc", includes), tests));
}

TEST(CompletenessTest, EveryMessageKindIsSpecified) {
  Findings findings;
  CheckDocumented("protocols/header.h", "MessageKind", "docs/spec/wire.md", findings);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, EveryReasonIsSpecified) {
  Findings findings;
  CheckDocumented("protocols/reasons.h", "RefusalReason", "docs/spec/secure-sum.md", findings);
  CheckDocumented("protocols/reasons.h", "DropReason", "docs/spec/secure-sum.md", findings);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, EveryExitCodeIsDocumented) {
  static const std::regex kEntry(R"re(ErrorCode::k\w+, "([a-z-]+)", (\d+)\})re");
  const SourceFile* source = FindFile("common/command_errors.cc");
  const SourceFile* document = FindFile("docs/exit-codes.md");
  ASSERT_NE(source, nullptr);
  ASSERT_NE(document, nullptr);
  Findings findings;
  std::size_t seen = 0;
  for (std::size_t i = 0; i < source->lines.size(); ++i) {
    std::smatch match;
    if (!std::regex_search(source->lines[i], match, kEntry)) continue;
    ++seen;
    if (!HasTableRow(*document, Enumerator{match[1].str(), match[2].str(), i + 1})) {
      findings.Add(*source, i + 1, "has no row in docs/exit-codes.md.", "Add it there.");
    }
  }
  EXPECT_GE(seen, 12u) << "the table of codes was not found";
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, DocumentsPointAtFilesThatExist) {
  static const std::regex kLink(R"(\]\(([^)#:]+)(#[^)]*)?\))");
  Findings findings;
  for (const SourceFile& file : SourceTree()) {
    if (!file.path.ends_with(".md")) continue;
    const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      for (std::sregex_iterator link(line.begin(), line.end(), kLink), end; link != end; ++link) {
        const auto target = (folder / (*link)[1].str()).lexically_normal();
        if (!std::filesystem::exists(RepositoryRoot() / target)) {
          findings.Add(file, i + 1, "links to " + target.string() + ", which does not exist.",
                       "Correct the link.");
        }
      }
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, ScriptsAreExecutableAndStopAtErrors) {
  Findings findings;
  for (const SourceFile& file : SourceTree()) {
    if (!file.Under("scripts/") && !file.Under(".ci/")) continue;
    const bool script = file.text.starts_with("#!");
    const auto mode = std::filesystem::status(RepositoryRoot() / file.path).permissions();
    const bool executable =
        (mode & std::filesystem::perms::owner_exec) != std::filesystem::perms::none;
    if (script && !executable) findings.AddPath(file.path, "cannot be run.", "Run chmod +x on it.");
    if (!script && executable) {
      findings.AddPath(file.path, "is executable but no script.", "Begin it with #!.");
    }
    if (script && file.text.find("set -euo pipefail") == std::string::npos) {
      findings.AddPath(file.path, "goes on after errors.", "Add set -euo pipefail.");
    }
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CompletenessTest, TheRootHoldsOnlyItsFolders) {
  static const std::vector<std::string> kFolders = {
      "common/", "protocols/", "client/",  "coordinator/", "simulations/", "tests/",
      "docs/",   "examples/",  "scripts/", ".ci/",         "cmake/"};
  Findings findings;
  for (const SourceFile& file : SourceTree()) {
    if (file.path.find('/') == std::string::npos) continue;
    const bool known = std::any_of(kFolders.begin(), kFolders.end(),
                                   [&](const std::string& folder) { return file.Under(folder); });
    if (!known) findings.AddPath(file.path, "lies in a folder of its own.", "Move it.");
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

}  // namespace
}  // namespace consilium
