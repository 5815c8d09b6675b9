// client/quality/quality_page.h, client/quality/quality_page_file.h and
// client/quality/quality_plots.h.

#include "client/quality/quality_page.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "client/ingestion/study_data.h"
#include "client/quality/quality_page_file.h"
#include "client/quality/quality_plots.h"
#include "common/random.h"
#include "tests/client/csv_source.h"
#include "tests/client/study_builder.h"
#include "tests/support/clinical_data.h"
#include "tests/support/html_check.h"

namespace consilium {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kContract = R"(
patient = "id"
[[column]]
name = "visit"
type = "date"
[[column]]
name = "age"
type = "integer"
unit = "a"
range = [18, 110]
[[column]]
name = "chol"
type = "number"
unit = "mg/dL"
range = [0, 700]
[[column]]
name = "sex"
type = "category"
levels = ["female", "male"]
[[column]]
name = "smoker"
type = "boolean"
)";

const QualityPageHead kHead{"Coronary <disease>", "1f2e3d4c5b6a", ""};

class QualityPageTest : public ::testing::Test {
 protected:
  QualityReport ReportOf(const std::string& csv,
                         const std::string& contract = kContract,
                         NumberFormat number = {}) {
    ShapeOnlyAnalysis analysis;
    analysis.names = {"age"};
    Source source = site_.Of(csv);
    source.number = number;
    auto report = CheckData(source, MakePlan(MakeContract(contract), analysis), {}, {},
                            {Date{2026, 1, 1}, {}});
    EXPECT_TRUE(report.has_value()) << Describe(report.error());
    return std::move(*report);
  }

  /// Ten patients a month over two years, with rare values that must not be seen anywhere.
  static std::string Csv() {
    SeededRandom random(3);
    std::string csv = "id,visit,age,chol,sex,smoker\n";
    for (int i = 0; i < 240; ++i) {
      const int month = i / 10;
      char line[96];
      std::snprintf(
          line, sizeof line, "PATIENT-%d,%d-%02d-11,%d,%s,%s,%d\n", i, 2018 + month / 12,
          month % 12 + 1, 40 + i % 30,
          month >= 14 ? "" : std::to_string(150.25 + std::floor(90 * random.Unit())).c_str(),
          i % 3 == 0 ? "female" : "male", i % 2);
      csv += line;
    }
    return csv + "PATIENT-OLDEST,2018-05-11,107,677.125,male,1\n" +
           "PATIENT-YOUNG,2018-05-11,19,41.375,male,1\n";
  }

  CsvSource site_;
  const TemporaryFolder& folder_ = site_.folder();
};

TEST_F(QualityPageTest, IsOneWholePageThatLoadsNothing) {
  const std::string page = QualityPage(kHead, ReportOf(Csv()));
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_THAT(page, AllOf(HasSubstr("<html lang=\"en\">"), HasSubstr("Coronary &lt;disease&gt;"),
                          HasSubstr("name=\"viewport\"")));
  EXPECT_EQ(UnbalancedElement(page), "");
  ExpectNothingForeign(page);
}

TEST_F(QualityPageTest, ShowsEachPart) {
  const std::string page = QualityPage(kHead, ReportOf(Csv()));
  for (const char* part :
       {"Findings", "Missing values", "Distributions", "Beside the federation",
        "Over calendar time", "Cohort", "How to read this", "Histogram of age, rows in parts from",
        "Mean of chol by period", "share of yes", "The study could be answered here."}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, HasSubstr("missing since 2019-03"));
}

/// It may be sent on by mistake: no patient, no single value, in any of the report's forms.
TEST_F(QualityPageTest, HoldsNoValueOfAPatient) {
  const QualityReport report = ReportOf(Csv());
  for (const std::string& form :
       {QualityPage(kHead, report), RenderText(report), RenderJson(report)}) {
    EXPECT_THAT(
        form, AllOf(Not(HasSubstr("PATIENT-")), Not(HasSubstr("677")), Not(HasSubstr("41.375")),
                    Not(HasSubstr("150.25")), Not(HasSubstr("2018-05-11")), Not(HasSubstr(">107<")),
                    Not(HasSubstr(" 107 "))));
  }
}

TEST_F(QualityPageTest, ProblemsComeWithPlacesPatientsAndRemedies) {
  const QualityReport report =
      ReportOf(Csv() + "X,2018-05-11,7,200,diverse,1\nY,2018-05-11,8,NA,NA,1\n");
  QualityPageHead head = kHead;
  head.problem = "the data do not meet the contract";
  const std::string page = QualityPage(head, report);
  EXPECT_THAT(page, AllOf(HasSubstr("must be solved"), HasSubstr("2 rows of 2 patients, at p.csv:"),
                          HasSubstr("could not be answered here: the data do not"),
                          HasSubstr("1 hold &quot;NA&quot;"), Not(HasSubstr("diverse"))));
  EXPECT_EQ(UnbalancedElement(page), "");
}

TEST_F(QualityPageTest, AnEmptyTableHasAPageToo) {
  const std::string page = QualityPage(kHead, ReportOf("id,visit,age,chol,sex,smoker\n"));
  EXPECT_EQ(UnbalancedElement(page), "");
  EXPECT_THAT(page, AllOf(HasSubstr("Too few values to draw"), Not(HasSubstr("nan")),
                          Not(HasSubstr("inf"))));
}

TEST_F(QualityPageTest, HostileNamesAreEscaped) {
  std::string contract = kContract;
  contract.replace(contract.find("\"female\""), 8, "\"<script>\"");
  std::string csv = Csv();
  for (std::size_t at = csv.find("female"); at != std::string::npos; at = csv.find("female")) {
    csv.replace(at, 6, "<script>");
  }
  const std::string page = QualityPage(kHead, ReportOf(csv, contract));
  ExpectNothingForeign(page);
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST_F(QualityPageTest, DecimalCommasAndSemicolonsAreTheSame) {
  std::string csv = Csv();
  for (char& c : csv) c = c == ',' ? ';' : c == '.' ? ',' : c;
  const QualityReport german = ReportOf(csv, kContract, {',', '\0'});
  const QualityReport plain = ReportOf(Csv());
  EXPECT_EQ(german.delimiter, ';');
  EXPECT_FALSE(german.HasProblems());
  ASSERT_TRUE(german.profile && plain.profile);
  EXPECT_EQ(german.profile->columns[2].parts->counts, plain.profile->columns[2].parts->counts);
}

TEST_F(QualityPageTest, BesideTheFederationThereAreItsSums) {
  QualityReport report = ReportOf(Csv());
  report.federation = FederationView{"1a2b3c", "Table 1", 4, 900, {}};
  report.federation->columns.push_back(
      {1, 0.1, 0.2, -0.75, {20, 30, 40}, {}, {0.2, 0.8}, {0.4, 0.6}});
  const std::string page = QualityPage(kHead, report);
  EXPECT_THAT(page, AllOf(HasSubstr("4 sites with 900 patients"),
                          HasSubstr("Means -0.75 standard deviations apart"),
                          HasSubstr("Missing here 10 %, in the federation 20 %")));
  EXPECT_THAT(RenderText(report), AllOf(HasSubstr("Beside the federation"), HasSubstr("-0.75")));
  EXPECT_THAT(RenderJson(report), HasSubstr("\"standardised_difference\": -0.75"));
}

/// Means alone, where the summary was asked for no histogram.
TEST_F(QualityPageTest, BesideASummaryWithoutAHistogramThereAreWords) {
  QualityReport report = ReportOf(Csv());
  report.federation = FederationView{"1a2b3c", "Table 1", 4, 900, {}};
  report.federation->columns.push_back({1, 0.1, 0.2, -0.75, {}, {}, {}, {}});
  const std::string page = QualityPage(kHead, report);
  EXPECT_THAT(page, AllOf(HasSubstr("Means -0.75 standard deviations apart"),
                          Not(HasSubstr("Shares of age here"))));
  EXPECT_EQ(UnbalancedElement(page), "");
}

/// Two thirds are men; the rules let in women only, and one patient is on the site's list.
TEST_F(QualityPageTest, PlotsAreOfTheEligibleAndOfNobodyExcluded) {
  const std::string rules =
      std::string(kContract) + "[[eligible]]\ncolumn = \"sex\"\none_of = [\"female\"]\n";
  SeededRandom random(1);
  PatientRegister patients{PatientKeyOf(SigningKey::Generate(random)), {}};
  patients.excluded = {PatientCodeOf("PATIENT-0", patients.key)};
  ShapeOnlyAnalysis analysis;
  analysis.names = {"age"};
  // What is wrong with an excluded patient's row is nobody's problem.
  std::string csv = Csv();
  csv.replace(csv.find("PATIENT-0,"), std::string("PATIENT-0,2018-01-11,40").size(),
              "PATIENT-0,2018-01-11,never");
  const auto report = CheckData(site_.Of(csv), MakePlan(MakeContract(rules), analysis), patients);
  ASSERT_TRUE(report.has_value()) << Describe(report.error());
  EXPECT_FALSE(report->HasProblems()) << RenderText(*report);
  EXPECT_EQ(report->rows, 241U);
  EXPECT_EQ(report->patients, 241U);
  EXPECT_EQ(report->excluded_patients_found, 1U);
  EXPECT_EQ(report->rows_drawn, 79U);
  ASSERT_TRUE(report->profile && report->calendar && report->flow);
  EXPECT_EQ(report->profile->columns[3].levels[0].rows, 79U);
  EXPECT_EQ(report->profile->columns[3].levels[1].rows, 0U);
  std::uint64_t dated = 0;
  for (const CalendarPeriod& period : report->calendar->periods) dated += period.rows;
  EXPECT_EQ(dated, 79U);
  // Cholesterol is missing from the 15th month on, ten patients a month, each third a woman.
  EXPECT_EQ(report->columns[2].lacking, 33U);
  EXPECT_EQ(report->columns[2].missing, 100U);
  EXPECT_THAT(report->Notes(),
              Contains(HasSubstr("are of the 79 rows that the eligibility rules let in")));
  EXPECT_EQ(report->flow->rows_read, 242U);
  EXPECT_EQ(report->flow->patients_left, 79U);
}

TEST_F(QualityPageTest, TheCohortIsCountedInPatients) {
  const std::string rules =
      std::string(kContract) + "[[eligible]]\ncolumn = \"age\"\nminimum = 50\n";
  std::string csv = "id,visit,age,chol,sex,smoker\n";
  for (const char* row : {"A,2020-01-01,40", "A,2020-02-01,41", "B,2020-01-01,60",
                          "B,2020-02-01,49", "C,2020-01-01,70", "C,2020-02-01,71"}) {
    csv += std::string(row) + ",200,male,1\n";
  }
  const std::string page = QualityPage(kHead, ReportOf(csv, rules));
  EXPECT_THAT(page, AllOf(HasSubstr("2 patients with 3 rows would take part"),
                          HasSubstr("Patients that are left after each step"),
                          HasSubstr("1 removed, 3 rows"), HasSubstr(">Patients</th>")));
}

TEST_F(QualityPageTest, APatientsSecondRowIsAProblemOrANote) {
  std::string csv = "id,visit,age,chol,sex,smoker\n";
  for (const char* patient : {"A", "B", "B", "B", "C", "C"}) {
    csv += std::string(patient) + ",2020-01-01,60,200,male,1\n";
  }
  const auto count_of_notes = [](const QualityReport& report) {
    return std::count_if(report.suspicions.begin(), report.suspicions.end(),
                         [](const Suspicion& one) { return one.kind == "repeated-patient"; });
  };
  const QualityReport noted = ReportOf(csv);
  EXPECT_FALSE(noted.HasProblems());
  EXPECT_EQ(count_of_notes(noted), 1);
  const QualityReport wrong =
      ReportOf(csv, "one_row_per_patient = true\n" + std::string(kContract));
  EXPECT_EQ(wrong.patient_repeated.count, 3U);
  EXPECT_EQ(wrong.patient_repeated.patients, 2U);
  EXPECT_EQ(count_of_notes(wrong), 0);
  EXPECT_THAT(QualityPage(kHead, wrong), HasSubstr("3 rows of 2 patients, at p.csv:"));
}

TEST_F(QualityPageTest, TextIsAtMost80ColumnsWide) {
  QualityReport report = ReportOf(Csv() + "X,2018-05-11,7,200,diverse,1\n");
  report.federation = FederationView{"1a2b3c", "A table of rather many words", 4, 900, {}};
  report.federation->columns.push_back(
      {1, 0.1, 0.2, -0.75, {20, 30, 40}, {}, {0.2, 0.8}, {0.4, 0.6}});
  std::istringstream lines(RenderText(report));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST_F(QualityPageTest, TheFileIsForThisUserAlone) {
  const QualityReport report = ReportOf(Csv());
  const std::filesystem::path file = folder_.path() / "page.html";
  ASSERT_TRUE(MayWriteQualityPage(file, Replace::kOwnPages));
  ASSERT_TRUE(WriteQualityPage(file, kHead, report));
  struct stat status {};
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  // Its own page is written anew, even where others could read it.
  std::filesystem::permissions(file, std::filesystem::perms(0644));
  ASSERT_TRUE(MayWriteQualityPage(file, Replace::kOwnPages));
  ASSERT_TRUE(WriteQualityPage(file, kHead, report));
  ASSERT_EQ(stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(QualityPageTest, OtherFilesAreNotOverwritten) {
  const auto other = folder_.Write("thesis.html", "<!DOCTYPE html><title>My thesis</title>");
  const Status refused = MayWriteQualityPage(other, Replace::kOwnPages);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(Describe(refused.error()), AllOf(HasSubstr("thesis.html"), HasSubstr("--force")));
  EXPECT_TRUE(MayWriteQualityPage(other, Replace::kAnyFile));
  // A folder, or a link to something else, not even then.
  std::filesystem::create_symlink(other, folder_.path() / "link.html");
  EXPECT_FALSE(MayWriteQualityPage(folder_.path() / "link.html", Replace::kAnyFile));
  EXPECT_FALSE(MayWriteQualityPage(folder_.path(), Replace::kAnyFile));
}

/// All four hospitals of the heart-disease data: 0 stands for a cholesterol that was not measured.
TEST_F(QualityPageTest, TheHeartDataShowCholesterolZero) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  const std::pair<const char*, const char*> sites[] = {
      {"switzerland", "all 123 values are 0"},
      {"va", "49 rows are 0, far from all other values"},
      {"cleveland", nullptr},
      {"hungarian", nullptr}};
  for (const auto& [site, words] : sites) {
    SCOPED_TRACE(site);
    ShapeOnlyAnalysis analysis;
    analysis.names = {"age"};
    Source source;
    source.file = ClinicalData("heart_disease") / "csv" / (std::string(site) + ".csv");
    const auto report = CheckData(
        source, MakePlan(MakeContract("patient = \"patient_id\"\n[[column]]\nname = \"age\"\n"
                                      "type = \"number\"\nunit = \"a\"\nrange = [18, 110]\n"
                                      "[[column]]\nname = \"chol\"\ntype = \"number\"\n"
                                      "unit = \"mg/dL\"\nrange = [0, 700]\n"),
                         analysis));
    ASSERT_TRUE(report.has_value()) << Describe(report.error());
    const std::string page = QualityPage(kHead, *report);
    EXPECT_EQ(UnbalancedElement(page), "");
    if (words == nullptr) {
      EXPECT_THAT(page, Not(HasSubstr("class=\"finding look\"")));
    } else {
      EXPECT_THAT(page, AllOf(HasSubstr(words), HasSubstr("missing = [&quot;0&quot;]")));
    }
  }
}

/// Hungarian cholesterol as a laboratory in mmol/L would have exported it: decimal commas and ';'.
TEST_F(QualityPageTest, TheHeartDataInAnotherUnitAreSuspectedByName) {
  REQUIRE_CLINICAL_DATA("heart_disease");
  std::ifstream original(ClinicalData("heart_disease") / "csv" / "hungarian.csv");
  std::string csv = "patient_id;chol\n";
  std::string line;
  std::getline(original, line);
  while (std::getline(original, line)) {
    std::istringstream cells(line);
    std::string cell;
    std::string patient;
    for (int i = 0; i < 6 && std::getline(cells, cell, ','); ++i) {
      if (i == 0) patient = cell;
    }
    if (cell.empty()) continue;
    std::string value = std::to_string(std::stod(cell) / 38.67);
    value.replace(value.find('.'), 1, ",");
    csv += patient + ";" + value + "\n";
  }
  for (const char* range : {"[0, 700]", "[80, 700]"}) {
    SCOPED_TRACE(range);
    const std::string contract =
        "patient = \"patient_id\"\n[[column]]\nname = \"chol\"\ntype = \"number\"\n"
        "unit = \"mg/dL\"\nrange = " +
        std::string(range) + "\n";
    ShapeOnlyAnalysis analysis;
    analysis.names = {"chol"};
    Source source = site_.Of(csv);
    source.number = {',', '\0'};
    const auto report = CheckData(source, MakePlan(MakeContract(contract), analysis));
    ASSERT_TRUE(report.has_value()) << Describe(report.error());
    EXPECT_EQ(report->delimiter, ';');
    const char* words = "is this cholesterol in mmol/L instead of mg/dL?";
    EXPECT_THAT(QualityPage(kHead, *report), HasSubstr(words));
    EXPECT_THAT(RenderText(*report), HasSubstr(words));
  }
}

}  // namespace
}  // namespace consilium
