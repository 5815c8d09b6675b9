// Covers simulations/html_report.cc, simulations/html_report_runs.cc and common/pages/html_page.cc.

#include "simulations/html_report.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/pages/html_page.h"
#include "common/pages/svg_plot.h"
#include "tests/support/html_check.h"
#include "tests/support/temporary_folder.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HtmlReportTest : public ::testing::Test {
 protected:
  std::string Report(const std::string& more, const std::string& head = "") {
    Write("plan.toml",
          "[study]\ntitle = \"A <script>alert('x')</script> & more\"\nrequested_by = \"R\"\n"
          "expires = 2027-06-30\nminimum_sites = 3\n"
          "[contract]\npatient = \"id\"\n"
          "[[contract.column]]\nname = \"dose\"\ntype = \"number\"\nrange = [-100, 200]\n"
          "[[contract.column]]\nname = \"age\"\ntype = \"number\"\nrange = [0, 110]\n"
          "[analysis]\nkind = \"linear\"\noutcome = \"dose\"\nfeatures = [\"age\"]\n");
    Write("trial.toml", "[experiment]\nplan = \"plan.toml\"\n" + head +
                            "[generator]\nsites = 4\npatients = [40, 50, 60, 10]\nintercept = 20\n"
                            "coefficients = { age = 0.5 }\n" +
                            (more.starts_with("noise") ? "" : "noise = 5\n") + more);
    return HtmlReport(
        RunCampaign(ReadExperiments(folder_.path() / "trial.toml").value(), 1, 1).value());
  }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.path() / name) << text;
  }

  TemporaryFolder folder_;
};

TEST_F(HtmlReportTest, IsOneWholePageThatLoadsNothing) {
  const std::string page = Report("[sweep]\nanalysis.ridge = [0, 1]\n", "repetitions = 3\n");
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(UnbalancedElement(page), "");
  ExpectNothingForeign(page);
}

TEST_F(HtmlReportTest, TextOfFilesIsEscaped) {
  EXPECT_THAT(Report(""),
              HasSubstr("A &lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; more"));
  EXPECT_EQ(Escaped("a\x1b<\"'&>"), "a?&lt;&quot;&#39;&amp;&gt;");
}

TEST_F(HtmlReportTest, ShowsTruthGapAndWhoWasLeftOut) {
  const std::string page = Report("");
  EXPECT_THAT(page, AllOf(HasSubstr("class=\"truth\""), HasSubstr("The federated result is"),
                          HasSubstr("no: has 10 patients"), HasSubstr("Alone, 3 of 3 hospitals"),
                          Not(HasSubstr("All runs"))));
}

TEST_F(HtmlReportTest, AFitWithoutNoiseHasAPageToo) {
  EXPECT_THAT(Report("noise = 0\n"), AllOf(HasSubstr("</html>"), Not(HasSubstr("nan"))));
}

TEST_F(HtmlReportTest, ShowsTheSpreadOverSeedsAndCombinations) {
  EXPECT_THAT(Report("", "repetitions = 5\n"),
              AllOf(HasSubstr("All runs"), HasSubstr("5 runs with seeds from 1 on"),
                    HasSubstr("Estimates of one hospital alone"), HasSubstr("Coverage: ")));
  EXPECT_THAT(Report("[sweep]\nanalysis.ridge = [0, 1]\n", "repetitions = 2\n"),
              AllOf(HasSubstr("4 runs: 2 combinations with 2 seeds each"),
                    HasSubstr("analysis.ridge = 1"), HasSubstr(">ridge 1</text>")));
}

}  // namespace
}  // namespace consilium
