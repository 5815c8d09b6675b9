// Calls and types that the code does without, each with its reason and its replacement.

#include <functional>

#include <gtest/gtest.h>

#include "tests/repository/source_tree.h"

namespace consilium {
namespace {

bool IsProgramFile(const SourceFile& file) {
  const std::string name = file.FileName();
  return name.starts_with("main") || name.find("command") != std::string::npos ||
         name.find("terminal") != std::string::npos;
}

bool IsRuntime(const SourceFile& file) {
  return IsProgramFile(file) || file.FileName().find("runtime") != std::string::npos;
}

bool IsTest(const SourceFile& file) { return file.Under("tests/"); }

struct BannedCall {
  std::regex pattern;
  std::function<bool(const SourceFile&)> allowed;
  const char* what;
  const char* remedy;
};

const std::vector<BannedCall>& BannedCalls() {
  static const auto kNever = [](const SourceFile&) { return false; };
  static const std::vector<BannedCall> kBanned = {
      {std::regex(R"(\b(system_clock|steady_clock|high_resolution_clock)::now\b)"
                  R"(|\b(std::)?time\((nullptr|0)\))"),
       [](const SourceFile& file) {
         return IsRuntime(file) || IsTest(file) || file.Under("common/transport/");
       },
       "reads a clock.", "Take a Moment as an argument; only runtimes and mains own clocks."},
      {std::regex(R"(\brandom_device\b|\bmt19937|\b(std::)?s?rand\()"), kNever,
       "draws randomness of its own.", "Take a RandomSource&."},
      {std::regex(R"(\bstd::\w*_distribution\b)"), kNever,
       "uses a distribution that differs between libraries.", "Use RandomSource::Below or Unit."},
      {std::regex(R"(\bmemcmp\()"),
       [](const SourceFile& file) {
         return !file.Under("common/crypto/") && !file.Under("protocols/");
       },
       "compares bytes in variable time.", "Use EqualInConstantTime, or == on public values."},
      {std::regex(R"(using namespace std\b)"), kNever, "imports all of std.", "Name what is used."},
      {std::regex(R"(\bstd::(cout|cerr|printf|puts)\b|\bprintf\()"),
       [](const SourceFile& file) { return IsProgramFile(file) || IsTest(file); },
       "writes to the terminal.", "Return text; the program's command files print it."},
      {std::regex(R"(\bshared_ptr<(?!\s*const\b)|\bmake_shared<(?!\s*const\b))"),
       [](const SourceFile& file) {
         // The logging library takes them; a parsed document is built before it becomes const.
         return file.path == "common/log.cc" || file.path == "common/settings.cc" || IsTest(file);
       },
       "shares a mutable object.", "Give it one owner; share only what is const."},
      {std::regex(R"(\b(malloc|calloc|realloc|strcpy|strcat|sprintf|gets)\()"),
       [](const SourceFile& file) { return file.Under("tests/fuzz/"); },
       "calls an unbounded or unowned C function.", "Use std::string, std::vector or snprintf."},
      {std::regex(R"(\bvolatile\b|\bgoto\b|\bsetjmp\b)"), kNever,
       "uses what the code does without.", "Write it with plain control flow."},
      {std::regex(R"(\bauto\s*&?\s*\w+\s*=\s*\w+\.(transpose|array|matrix|cwiseProduct)\(\))"),
       kNever, "keeps an Eigen expression by auto, with dangling operands.",
       "Name the matrix type."}};
  return kBanned;
}

/// A `new` may only stand inside a unique_ptr, on its line or the one after: for private
/// constructors.
void CheckOwnership(const SourceFile& file, Findings& findings) {
  static const std::regex kBare(R"(\bnew\s+[A-Za-z_:]+\s*[\(\{\[;<])");
  static const std::regex kOwned(R"(unique_ptr<[^;]*\bnew\b)");
  static const std::regex kDelete(R"(\bdelete\s+[a-z_]|\bdelete\[\])");
  for (std::size_t i = 0; i < file.code.size(); ++i) {
    const std::string& line = file.code[i];
    const std::string both = (i > 0 ? file.code[i - 1] : std::string()) + line;
    const bool bare = std::regex_search(line, kBare) && !std::regex_search(both, kOwned);
    const bool replaces = line.find("operator ") != std::string::npos;  // A replaced allocator.
    if (!replaces && (bare || std::regex_search(line, kDelete))) {
      findings.Add(file, i + 1, "owns memory by hand.",
                   "Use a value, a container or std::make_unique.");
    }
  }
}

void CheckCalls(const SourceFile& file, Findings& findings) {
  CheckOwnership(file, findings);
  for (const BannedCall& banned : BannedCalls()) {
    if (banned.allowed(file)) continue;
    FindInCode(file, banned.pattern, banned.what, banned.remedy, findings);
  }
}

std::size_t FindingsIn(const char* path, const char* line) {
  Findings findings;
  CheckCalls(MakeSourceFile(path, line), findings);
  return findings.size();
}

TEST(CallsTest, NothingBannedIsCalled) {
  Findings findings;
  for (const SourceFile* file : CppFiles()) CheckCalls(*file, findings);
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

TEST(CallsTest, RulesFindBadExamples) {
  EXPECT_EQ(FindingsIn("protocols/a.cc", "auto t = std::chrono::system_clock::now();"), 1u);
  EXPECT_EQ(FindingsIn("client/program/runtime.cc", "auto t = std::chrono::steady_clock::now();"),
            0u);
  EXPECT_EQ(FindingsIn("common/a.cc", "std::random_device device;"), 1u);
  EXPECT_EQ(FindingsIn("common/a.cc", "int x = rand();"), 1u);
  EXPECT_EQ(FindingsIn("common/a.cc", "int x = Operand();"), 0u);
  EXPECT_EQ(FindingsIn("tests/a.cc", "std::normal_distribution<> d;"), 1u);
  EXPECT_EQ(FindingsIn("common/crypto/a.cc", "return memcmp(a, b, n) == 0;"), 1u);
  EXPECT_EQ(FindingsIn("common/crypto/a.cc", "return sodium_memcmp(a, b, n) == 0;"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "std::cout << 1;"), 1u);
  EXPECT_EQ(FindingsIn("client/program/main.cc", "std::cout << 1;"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "std::shared_ptr<Session> session;"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "std::shared_ptr<const Plan> plan;"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "auto* x = new Session(1);"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "return std::unique_ptr<A>(new A(1));"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "std::unique_ptr<A> a(\n    new A(1));"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "std::unique_ptr<A> a;\nA* b = new A(1);"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "delete session;"), 1u);
  EXPECT_EQ(FindingsIn("client/a.cc", "Session(const Session&) = delete;"), 0u);
  EXPECT_EQ(FindingsIn("client/a.cc", "// never call rand() or new Session()"), 0u);
}

}  // namespace
}  // namespace consilium
