#include "tests/repository/source_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SourceFileTest, BlanksCommentsAndLiteralsOnly) {
  const SourceFile file = MakeSourceFile("a.cc",
                                         "int a = 1'000; // one thousand\n"
                                         "const char* b = \"two /* not */ \\\" three\"; int c;\n"
                                         "/* four\n five */ char d = '\"'; int e;\n"
                                         "auto f = R\"x(six \" )\" seven)x\"; int g;\n");

  const std::string code = ::testing::PrintToString(file.code);
  for (const char* gone : {"thousand", "two", "three", "four", "five", "six", "seven"}) {
    EXPECT_THAT(code, Not(HasSubstr(gone)));
  }
  for (const char* kept : {"1'000;", "int c;", "int e;", "int g;"}) {
    EXPECT_THAT(code, HasSubstr(kept));
  }
  EXPECT_EQ(file.code[1].size(), file.lines[1].size());
}

TEST(SourceFileTest, MeasuresFunctionsAndNothingElse) {
  const SourceFile file = MakeSourceFile("a.cc",
                                         "namespace n {\n"
                                         "struct S {\n"
                                         "  int Get() const { return 1; }\n"
                                         "  int x_ = 0;\n"
                                         "};\n"
                                         "constexpr int kTable[] = {\n"
                                         "  1, 2,\n"
                                         "};\n"
                                         "#define OPEN {\n"
                                         "template <class T> requires(sizeof(T) > 1)\n"
                                         "int F(T x,\n"
                                         "      int y) {\n"
                                         "  if (x) {\n"
                                         "    return y;\n"
                                         "  }\n"
                                         "  return 0;\n"
                                         "}\n"
                                         "}\n");

  const std::vector<FunctionExtent> functions = FunctionsOf(file);

  ASSERT_EQ(functions.size(), 2u);
  EXPECT_EQ(functions[0].first_line, 3u);
  EXPECT_EQ(functions[0].lines, 1u);
  EXPECT_EQ(functions[1].first_line, 12u);
  EXPECT_EQ(functions[1].lines, 6u);
}

TEST(SourceFileTest, ListsIncludesWithTheirLines) {
  const SourceFile file =
      MakeSourceFile("a.cc", "#include \"common/bytes.h\"\n\n#include <zmq.h>\n// #include <x>\n");

  std::vector<std::string> found;
  for (const Include& include : IncludesOf(file)) {
    found.push_back(include.path + ":" + std::to_string(include.line));
  }
  EXPECT_THAT(found, ElementsAre("common/bytes.h:1", "zmq.h:3"));
}

TEST(SourceTreeTest, HoldsTheProjectAndNoBuildFolder) {
  EXPECT_NE(FindFile("CMakeLists.txt"), nullptr);
  EXPECT_NE(FindFile("common/bytes.h"), nullptr);
  for (const SourceFile& file : SourceTree()) EXPECT_FALSE(file.Under("build/")) << file.path;
}

}  // namespace
}  // namespace consilium
