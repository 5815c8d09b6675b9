// Every rule of a site's policy has a test that it refuses, and docs/policy-file.md says which.

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/repository/source_tree.h"

namespace consilium {
namespace {

constexpr const char* kDocument = "docs/policy-file.md";
constexpr const char* kKeysHeading = "## Keys";
constexpr const char* kTestsHeading = "## Each rule's test";

/// Keys that forbid nothing by themselves: what the others are by default, a part of another rule.
const std::set<std::string>& KeysWithoutARule() {
  static const std::set<std::string> kKeys = {"preset", "privacy_delta", "answer_days",
                                              "time_zone"};
  return kKeys;
}

struct Row {
  std::string key;
  std::string text;
  std::size_t line = 0;
};

/// Rows "| `key` | ..." of the table below a heading, up to the next heading.
std::vector<Row> RowsBelow(const SourceFile& document, const std::string& heading) {
  static const std::regex kRow(R"(^\| `\[?([a-z_]+)\]?` \|(.*))");
  std::vector<Row> rows;
  bool below = false;
  for (std::size_t i = 0; i < document.lines.size(); ++i) {
    const std::string& line = document.lines[i];
    if (line.starts_with("## ")) below = line == heading;
    std::smatch match;
    if (below && std::regex_search(line, match, kRow)) {
      rows.push_back({match[1].str(), match[2].str(), i + 1});
    }
  }
  return rows;
}

/// Keys that a reader of the policy's file asks for.
std::set<std::string> KeysRead() {
  static const std::regex kAsked(R"re((?:Parse\w+|Texts?Or|Texts?|BooleanOr|NumberOr|Day|Has)\()re"
                                 R"re((?:settings, )?"([a-z_]+)")re");
  std::set<std::string> keys;
  for (const char* path : {"client/policy/policy_file.cc", "client/policy/quotas.cc",
                           "client/policy/answer_times.cc"}) {
    const SourceFile* file = FindFile(path);
    EXPECT_NE(file, nullptr) << path;
    if (file == nullptr) continue;
    for (std::sregex_iterator match(file->text.begin(), file->text.end(), kAsked), end;
         match != end; ++match) {
      keys.insert((*match)[1].str());
    }
  }
  // Read through a constant, and as a table.
  keys.insert("maximum_parameters_per_patient");
  keys.insert("trainers");
  keys.insert("approvers");
  return keys;
}

/// Names that the rules have in refusals: what Name(PolicyRule) returns.
std::set<std::string> RuleNames() {
  static const std::regex kReturned(R"re(return "([a-z_]+)";)re");
  const SourceFile* file = FindFile("client/policy/policy.cc");
  EXPECT_NE(file, nullptr);
  std::set<std::string> names;
  if (file == nullptr) return names;
  for (std::sregex_iterator match(file->text.begin(), file->text.end(), kReturned), end;
       match != end; ++match) {
    names.insert((*match)[1].str());
  }
  return names;
}

/// "`CheckSumTest.TheStricterOfPlanAndPolicyWins`" is written down as a test somewhere.
bool IsATest(const std::string& suite, const std::string& name) {
  const std::regex pattern("(TEST|TEST_F|TEST_P|RC_GTEST_PROP)\\(" + suite + ",\\s*" + name +
                           "[,)]");
  const std::vector<const SourceFile*> files = CppFiles();
  return std::any_of(files.begin(), files.end(), [&](const SourceFile* file) {
    return file->Under("tests/") && std::regex_search(file->text, pattern);
  });
}

TEST(PolicyRulesTest, EveryKeyIsInTheTableOfKeys) {
  const SourceFile* document = FindFile(kDocument);
  ASSERT_NE(document, nullptr);
  std::set<std::string> documented;
  for (const Row& row : RowsBelow(*document, kKeysHeading)) documented.insert(row.key);
  EXPECT_EQ(documented, KeysRead()) << "left: " << kDocument << ", right: the reader";
  EXPECT_GE(documented.size(), 20U);
}

TEST(PolicyRulesTest, EveryRuleHasATestThatItRefuses) {
  static const std::regex kTest(R"re(`(\w+)\.(\w+)`)re");
  const SourceFile* document = FindFile(kDocument);
  ASSERT_NE(document, nullptr);
  std::set<std::string> tested;
  Findings findings;
  for (const Row& row : RowsBelow(*document, kTestsHeading)) {
    std::size_t tests = 0;
    for (std::sregex_iterator match(row.text.begin(), row.text.end(), kTest), end; match != end;
         ++match) {
      ++tests;
      if (IsATest((*match)[1].str(), (*match)[2].str())) continue;
      findings.Add(*document, row.line, "names " + match->str() + ", which is no test.",
                   "Correct the name, or write the test.");
    }
    if (tests == 0) {
      findings.Add(*document, row.line, "names no test.", "Name one: `Suite.Name`.");
    }
    tested.insert(row.key);
  }
  EXPECT_TRUE(findings.empty()) << findings.Text();
  std::set<std::string> rules = KeysRead();
  for (const std::string& key : KeysWithoutARule()) rules.erase(key);
  rules.merge(RuleNames());
  EXPECT_EQ(tested, rules) << "left: the table of tests, right: the rules";
}

TEST(PolicyRulesTest, EveryRuleIsTriedThroughTheSitesCore) {
  static const std::regex kEnumerator(R"(^\s*(k[A-Z]\w*),?$)");
  const SourceFile* header = FindFile("client/policy/policy.h");
  const SourceFile* test = FindFile("tests/client/policy/policy_refusals_test.cc");
  ASSERT_NE(header, nullptr);
  ASSERT_NE(test, nullptr);
  Findings findings;
  std::size_t rules = 0;
  bool inside = false;
  for (std::size_t i = 0; i < header->code.size(); ++i) {
    const std::string& line = header->code[i];
    if (line.find("enum class PolicyRule ") != std::string::npos) inside = true;
    if (line.find("};") != std::string::npos) inside = false;
    std::smatch match;
    if (!inside || !std::regex_search(line, match, kEnumerator)) continue;
    ++rules;
    if (test->text.find("{PolicyRule::" + match[1].str() + ",") != std::string::npos) continue;
    findings.Add(*header, i + 1, match[1].str() + " is in no table of " + test->path + ".",
                 "Add a row that breaks the rule.");
  }
  EXPECT_GE(rules, 18U) << "the enum was not found";
  EXPECT_TRUE(findings.empty()) << findings.Text();
}

}  // namespace
}  // namespace consilium
