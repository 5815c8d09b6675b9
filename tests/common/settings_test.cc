#include "common/settings.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Settings Parsed(std::string_view text) {
  Result<Settings> settings = Settings::Parse(text, "plan.toml");
  if (!settings) {
    ADD_FAILURE() << Describe(settings.error());
    return *Settings::Parse("", "");
  }
  return *settings;
}

std::string ParseError(std::string_view text) {
  const Result<Settings> settings = Settings::Parse(text, "plan.toml");
  return settings ? "no error" : settings.error().message;
}

template <class T>
std::string ErrorOf(const Result<T>& result) {
  return result.has_value() ? "no error" : Describe(result.error());
}

std::string Canonical(std::string_view text) { return ToHex(Parsed(text).CanonicalBytes()); }

TEST(SettingsTest, ReadsEveryType) {
  const Settings s = Parsed(R"(
text = "a"
number = 2.5
integer = -7
yes = true
day = 2027-06-30
span = "60s"
texts = ["a", "b"]
numbers = [1, 2.5]
[table]
inner = 1
[[column]]
name = "x"
[[column]]
name = "y"
)");
  EXPECT_EQ(*s.Text("text"), "a");
  EXPECT_EQ(*s.Number("number"), 2.5);
  EXPECT_EQ(*s.Number("integer"), -7.0);
  EXPECT_EQ(*s.Integer("integer"), -7);
  EXPECT_TRUE(*s.Boolean("yes"));
  EXPECT_EQ(*s.Day("day"), (Date{2027, 6, 30}));
  EXPECT_EQ(*s.Span("span"), Duration(60'000));
  EXPECT_THAT(*s.Texts("texts"), ElementsAre("a", "b"));
  EXPECT_THAT(*s.Numbers("numbers"), ElementsAre(1.0, 2.5));
  EXPECT_EQ(*s.Table("table")->Integer("inner"), 1);
  EXPECT_EQ(*s.Tables("column")->at(1).Text("name"), "y");
  EXPECT_THAT(s.Table("table")->Keys(), ElementsAre("inner"));
  EXPECT_TRUE(s.RequireNoOtherKeys());
}

TEST(SettingsTest, KeepsTheDocumentAliveForItsTables) {
  const Settings inner = *Parsed("[a.b]\nc = \"deep\"").Table("a")->Table("b");
  EXPECT_EQ(*inner.Text("c"), "deep");
}

TEST(SettingsTest, AnIntegerOutsideOfItsLimitsIsSaidWithThem) {
  const Settings s = Parsed("a = 2\nb = 20\nc = 21\nd = 1");
  EXPECT_EQ(*s.IntegerBetween("a", 2, 20, 5), 2);
  EXPECT_EQ(*s.IntegerBetween("b", 2, 20, 5), 20);
  EXPECT_EQ(*s.IntegerBetween("absent", 2, 20, 5), 5);
  EXPECT_THAT(ErrorOf(s.IntegerBetween("c", 2, 20, 5)),
              HasSubstr("plan.toml:3:5: 'c' is 21: it must be between 2 and 20"));
  EXPECT_THAT(ErrorOf(s.IntegerBetween("d", 2, 20, 5)), HasSubstr("'d' is 1"));
}

TEST(SettingsTest, UsesDefaultsOnlyWhenAbsent) {
  const Settings s = Parsed("a = \"x\"");
  EXPECT_EQ(*s.TextOr("b", "default"), "default");
  EXPECT_EQ(*s.IntegerOr("b", 4), 4);
  EXPECT_EQ(*s.SpanOr("b", Duration(5)), Duration(5));
  EXPECT_FALSE(s.TableIfAny("b")->has_value());
  EXPECT_TRUE(s.TablesIfAny("b")->empty());
  EXPECT_THAT(ErrorOf(s.IntegerOr("a", 4)), HasSubstr("plan.toml:1:5: 'a' must be a whole number"));
  EXPECT_THAT(ErrorOf(s.TableIfAny("a")), HasSubstr("plan.toml:1:5"));
}

TEST(SettingsTest, NamesLineAndColumnOfAWrongType) {
  const Settings s = Parsed("x = 1\nlist = [\"a\",\n  3]\n[t]\ny = \"60 parsecs\"\n");
  EXPECT_THAT(ErrorOf(s.Text("x")), StartsWith("plan.toml:1:5: 'x' must be text"));
  EXPECT_THAT(ErrorOf(s.Texts("list")), StartsWith("plan.toml:3:3: 'list' may only list texts"));
  EXPECT_THAT(ErrorOf(s.Table("t")->Span("y")), StartsWith("plan.toml:5:5: 'y'"));
  EXPECT_THAT(ErrorOf(s.Table("t")->Text("z")),
              StartsWith("plan.toml:4:1: the key 'z' is missing"));
  EXPECT_EQ(s.FailAt("x", "too small").value().message, "plan.toml:1:5: too small");
  EXPECT_EQ(s.Table("t")->FailHere("odd").value().message, "plan.toml:4:1: odd");
}

TEST(SettingsTest, ARuleThatAValueBreaksRepeatsTheKeyAndTheValue) {
  const Settings s = Parsed("confidence = 95\nrange = [90.5, 18]\nlong = \"" +
                            std::string(78, 'x') + "\u00e4\u00e4\"\n");
  EXPECT_EQ(Describe(s.FailValueAt("confidence", "it must be below 1", "write 0.95").value()),
            "plan.toml:1:14: 'confidence' is 95: it must be below 1. Write 0.95");
  EXPECT_EQ(s.FailValueAt("range", "the lower first").value().message,
            "plan.toml:2:9: 'range' is [90.5, 18]: the lower first");
  EXPECT_EQ(s.FailValueAt("absent", "it must be there").value().message,
            "plan.toml:1:1: 'absent': it must be there");
  EXPECT_EQ(s.FailValueAt("long", "too long").value().message,
            "plan.toml:3:8: 'long' is \"" + std::string(78, 'x') + "...: too long");
}

TEST(SettingsTest, SuggestsTheNearestKnownKey) {
  const Settings s = Parsed("[privacy]\nminimum_pateints = 20\n");
  const Settings privacy = *s.Table("privacy");
  EXPECT_EQ(*privacy.IntegerOr("minimum_patients", 5), 5);
  EXPECT_EQ(*privacy.IntegerOr("epsilon", 1), 1);
  EXPECT_EQ(ErrorOf(privacy.RequireNoOtherKeys()),
            "plan.toml:2:1: the key 'minimum_pateints' is not known here. "
            "Did you mean 'minimum_patients'?");
  EXPECT_TRUE(s.RequireNoOtherKeys());
}

TEST(SettingsTest, RefusesAKeyThatResemblesNothing) {
  const Settings s = Parsed("a = 1\nentirely_else = 2");
  EXPECT_TRUE(s.Integer("a"));
  EXPECT_FALSE(s.Has("b"));
  EXPECT_EQ(
      ErrorOf(s.RequireNoOtherKeys()),
      "plan.toml:2:1: the key 'entirely_else' is not known here. Remove it; what may stand here "
      "is 'a' and 'b'.");
}

TEST(SettingsTest, SuggestsTheMissingKeyWhereANearOneStands) {
  const Settings s = Parsed("[data]\ncsv = \"x\"\nsite_colum = \"site\"\nother = 1\n");
  const Settings data = *s.Table("data");
  EXPECT_EQ(ErrorOf(data.Text("site_column")),
            "plan.toml:3:1: the key 'site_column' is missing, and there is a key 'site_colum'. "
            "Did you mean 'site_column'?");
  EXPECT_THAT(ErrorOf(data.Text("plan")), StartsWith("plan.toml:1:1: the key 'plan' is missing"));
}

TEST(SettingsTest, SaysWhenTheNearestKeyIsThereAlready) {
  const Settings s = Parsed("ridge = 1\nrigde = 2");
  EXPECT_TRUE(s.Number("ridge"));
  EXPECT_THAT(ErrorOf(s.RequireNoOtherKeys()),
              HasSubstr("2:1: the key 'rigde' is not known here. Remove it, or did you mean "
                        "'ridge', which is there already?"));
}

TEST(SettingsTest, TakesNoKeyThatWasAskedForForAMisspeltOne) {
  const Settings s = Parsed("name = \"x\"");
  EXPECT_TRUE(s.Text("name"));
  EXPECT_EQ(ErrorOf(s.Text("names")), "plan.toml:1:1: the key 'names' is missing");
}

TEST(SettingsTest, SuggestsTheNearestChoice) {
  const Settings s = Parsed("kind = \"dirichlett\"\nother = \"zz\"");
  const std::vector<std::string> kinds = {"iid", "dirichlet", "labels"};
  EXPECT_EQ(ErrorOf(s.Choice("kind", kinds)),
            "plan.toml:1:8: 'kind' cannot be \"dirichlett\". Did you mean \"dirichlet\"? "
            "It can be \"iid\", \"dirichlet\" or \"labels\".");
  EXPECT_THAT(ErrorOf(s.Choice("other", kinds)), HasSubstr("\"zz\". It can be"));
  EXPECT_THAT(ErrorOf(s.Choice("gone", kinds)), HasSubstr("'gone' is missing. It can be \"iid\""));
  EXPECT_EQ(*s.Choice("kind", {"dirichlett"}), "dirichlett");
  EXPECT_EQ(*s.ChoiceOr("absent", kinds, "iid"), "iid");
  EXPECT_THAT(ErrorOf(s.ChoiceOr("other", kinds, "iid")), HasSubstr("\"zz\". It can be"));
}

TEST(SettingsTest, ChangesOneValueOfADocument) {
  const Settings s = Parsed(
      "title = \"a \\\"b\\\\ \\n c\"\nday = 2027-06-30\n[t]\nx = 0.1\nhuge = 1e300\nyes = true\n"
      "list = [1, 2.5]\n[[row]]\nname = \"r\"\n[[row]]\nname = \"s\"\n");
  const auto with = [&](const std::vector<std::string>& path, std::string_view value) {
    return Parsed(s.TomlWith(path, value));
  };
  EXPECT_EQ(with({"t", "x"}, "0.1").CanonicalBytes(), s.CanonicalBytes());
  EXPECT_NE(with({"t", "x"}, "0.2").CanonicalBytes(), s.CanonicalBytes());
  EXPECT_EQ(*with({"t", "x"}, "0.2").Table("t")->Number("x"), 0.2);
  EXPECT_EQ(*with({"t", "new"}, "[\"a\"]").Table("t")->Texts("new"), std::vector<std::string>{"a"});
  EXPECT_EQ(*with({"u", "v", "w"}, "3").Table("u")->Table("v")->Integer("w"), 3);
  EXPECT_EQ(*with({"t"}, "7").Integer("t"), 7);
}

TEST(SettingsTest, GivesTheElementsOfAListAsToml) {
  const Settings s =
      Parsed("a = [0, 1.0, 2.5, \"x\\ty\", true, 2027-06-30, [\"u\", 1], { k = 1 }]\nb = 1");
  EXPECT_THAT(*s.ElementsAsToml("a"), ElementsAre("0", "1.0", "2.5", "\"x\\u0009y\"", "true",
                                                  "2027-06-30", "[\"u\", 1]", "{\"k\" = 1}"));
  EXPECT_THAT(ErrorOf(s.ElementsAsToml("b")), StartsWith("plan.toml:2:5: 'b' must be a list"));
}

TEST(SettingsTest, GivesScalarsAsText) {
  const Settings s =
      Parsed("a = 3\nb = 2.5\nc = true\nd = \"t\"\ne = 2027-06-30\nf = [1]\ng = 0.1");
  EXPECT_EQ(*s.ScalarAsText("a"), "3");
  EXPECT_EQ(*s.ScalarAsText("b"), "2.5");
  EXPECT_EQ(*s.ScalarAsText("c"), "true");
  EXPECT_EQ(*s.ScalarAsText("d"), "t");
  EXPECT_EQ(*s.ScalarAsText("e"), "2027-06-30");
  EXPECT_EQ(*s.ScalarAsText("g"), "0.1");
  EXPECT_FALSE(s.ScalarAsText("f"));
}

TEST(SettingsTest, ReportsSyntaxErrorsWithTheirPlace) {
  EXPECT_THAT(ParseError("a = 1\nb = = 2"), StartsWith("plan.toml:2:5: "));
  EXPECT_THAT(ParseError("a = 1\na = 2"), StartsWith("plan.toml:2:"));
  EXPECT_THAT(ParseError("a = \"\xff\""), StartsWith("plan.toml:1:"));
  EXPECT_THAT(ParseError("a = \"text\nb = 1"), HasSubstr(". Is a closing quote missing?"));
  EXPECT_THAT(ParseError("a = 'text"), HasSubstr(". Is a closing quote missing?"));
  EXPECT_THAT(ParseError("a = \"x\\q\""), Not(HasSubstr("closing quote")));
}

TEST(SettingsTest, RefusesNumbersAndTimesWithoutAMeaning) {
  EXPECT_THAT(ParseError("a = nan"), StartsWith("plan.toml:1:5: 'a' cannot be nan or inf"));
  EXPECT_THAT(ParseError("a = [1.0, -inf]"),
              StartsWith("plan.toml:1:11: 'a' cannot be nan or inf"));
  EXPECT_THAT(ParseError("a = 07:32:00"), StartsWith("plan.toml:1:5: 'a' cannot be a time of day"));
  EXPECT_THAT(ParseError("a = 2027-06-30T07:32:00Z"),
              StartsWith("plan.toml:1:5: 'a' cannot be a time of day"));
}

TEST(SettingsTest, BoundsDepthAndSize) {
  std::string deep = "a = ";
  for (int i = 0; i < 15; ++i) deep += '[';
  const std::string close(15, ']');
  EXPECT_EQ(ParseError(deep + close), "no error");
  EXPECT_THAT(ParseError(deep + "[[" + close + "]]"), HasSubstr("nested too deeply"));
  EXPECT_THAT(ParseError(std::string(5U << 20, '#')), HasSubstr("4 MiB"));
}

TEST(SettingsTest, SurvivesKeysThatWouldExhaustTheStack) {
  std::string dotted = "a";
  for (int i = 0; i < 1'000'000; ++i) dotted += ".a";
  EXPECT_THAT(ParseError(dotted + " = 1"), StartsWith("plan.toml:1:32: a key has too many parts"));
  EXPECT_THAT(ParseError("[" + dotted + "]"), HasSubstr("too many parts"));
  EXPECT_THAT(ParseError("x = \"'\" # ' \"\n[" + dotted + "]"), StartsWith("plan.toml:2:"));
  EXPECT_THAT(ParseError("x = '''a'b\n\\'''\n[" + dotted + "]"), StartsWith("plan.toml:3:"));
  std::string numbers = "a = [1.5";
  for (int i = 0; i < 1'000; ++i) numbers += ", 2.5";
  EXPECT_EQ(ParseError(numbers + "]\nb = \"........................\""), "no error");
}

TEST(SettingsTest, LoadsAFileAndNamesItWhenItIsNotThere) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "s.toml", AsBytes("a = 1"), 0600));
  EXPECT_EQ(*Settings::Load(folder / "s.toml")->Integer("a"), 1);
  EXPECT_THAT(ErrorOf(Settings::Load(folder / "t.toml")), HasSubstr("t.toml"));
}

TEST(CanonicalBytesTest, AreThoseOfTheWorkedExample) {
  EXPECT_EQ(
      Canonical("sites = 3\nname = \"age\"\nrange = [18, 0.5]\nmale = true\nday = 1970-01-02\n"),
      "0105000000"
      "03000000"
      "646179"
      "07"
      "0100000000000000"
      "04000000"
      "6d616c65"
      "06"
      "01"
      "04000000"
      "6e616d65"
      "03"
      "03000000"
      "616765"
      "05000000"
      "72616e6765"
      "02"
      "02000000"
      "04"
      "1200000000000000"
      "05"
      "000000000000e03f"
      "05000000"
      "7369746573"
      "04"
      "0300000000000000");
}

TEST(CanonicalBytesTest, DoNotDependOnSpellingOrderOrComments) {
  const std::string expected = Canonical("[t]\na = 1000\nb = 'x'\n[[c]]\nd = 0.1");
  EXPECT_EQ(Canonical("# c\nc = [ { d = 1e-1 } ]\nt = { b = \"\\u0078\", a = 1_000.0 }"), expected);
  EXPECT_EQ(Canonical("t.b = \"x\"\r\nt.a = 0x3e8\r\n\r\n[[c]]\r\nd = 0.10"), expected);
}

TEST(CanonicalBytesTest, TreatEqualNumbersAlike) {
  EXPECT_EQ(Canonical("a = -0.0"), Canonical("a = 0"));
  EXPECT_EQ(Canonical("a = 2.0"), Canonical("a = 2"));
  EXPECT_EQ(Canonical("a = -9223372036854775808.0"), Canonical("a = -9223372036854775808"));
  EXPECT_NE(Canonical("a = 9223372036854775807"), Canonical("a = 9223372036854775808.0"));
  EXPECT_NE(Canonical("a = 1e300"), Canonical("a = 1.0000000000000002e300"));
}

TEST(CanonicalBytesTest, DifferForDifferentMeanings) {
  const std::vector<std::string> documents = {"",
                                              "a = 1",
                                              "a = '1'",
                                              "a = true",
                                              "a = [1]",
                                              "a = [[1]]",
                                              "a = {}",
                                              "a = []",
                                              "a = ''",
                                              "b = 1",
                                              "a = [1, 2]",
                                              "a = [2, 1]",
                                              "a = ['ab', 'c']",
                                              "a = ['a', 'bc']",
                                              "a = 1970-01-02",
                                              "a = 1\nb = 1",
                                              "a = { b = 1 }",
                                              "a = [{ b = 1 }]",
                                              "a = 1.5"};
  std::set<std::string> seen;
  for (const std::string& document : documents)
    EXPECT_TRUE(seen.insert(Canonical(document)).second) << document;
}

}  // namespace
}  // namespace consilium
