// The review as a page for a screen or a printer.

#include <string>
#include <utility>
#include <vector>

#include "client/review/review_page.h"
#include "common/pages/html_page.h"
#include "common/pages/number_text.h"
#include "common/pages/svg_plot.h"
#include "protocols/plan_words.h"

namespace consilium {
namespace {

/// What this page adds to the common style sheet, which has its colours.
constexpr std::string_view kStyle = R"(
ul{margin:.25rem 0 .75rem;padding-left:1.25rem;max-width:75ch}li{margin:.2rem 0}
dl{margin:.25rem 0 .5rem;display:grid;grid-template-columns:minmax(9rem,14rem) 1fr;
gap:.5rem 1.2rem;max-width:85ch}
dt{font-weight:600}dd{margin:0}
@media(max-width:560px){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}
.grid figure,.cards thead{display:none}
.cards table,.cards caption,.cards tbody,.cards tr,.cards th,.cards td{display:block;border:0;
padding:.05rem 0}
.cards tbody tr{border-bottom:1px solid var(--line);padding:.5rem 0}.cards tbody th{font-weight:600}
.cards td:nth-child(2)::before{content:"how many: "}
.cards td:nth-child(4)::before{content:"bound: "}}
@media print{dt,dd,li,pre,section:last-of-type{break-inside:avoid}}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);font-size:.875rem;
border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem;line-height:1.5}
.number{font:.8rem/1.5 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
td,th{overflow-wrap:break-word}
@media(max-width:560px){.grid td,.grid tbody th{overflow-wrap:anywhere}}
header p.verdict{font-weight:600;border-left:4px solid var(--truth);padding-left:.7rem}
header p.verdict.bad{border-color:var(--bad)}
)";

std::string List(const std::vector<std::string>& items) {
  std::string html = "<ul>\n";
  for (const std::string& item : items) html += "<li>" + Escaped(item) + "</li>\n";
  return html + "</ul>\n";
}

/// "Anna: words" with the first part set off.
std::string TitledList(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string html = "<dl>\n";
  for (const auto& [title, words] : items) {
    html += "<dt>" + Escaped(title) + "</dt><dd>" + Escaped(words) + "</dd>\n";
  }
  return html + "</dl>\n";
}

const CohortFlow* FlowOf(const Review& review) {
  const auto& report = review.check.report;
  return report && report->flow ? &*report->flow : nullptr;
}

std::size_t NumbersOf(const Plan& plan) { return NumbersIn(plan.analysis->DescribeForReview()); }

std::string Head(const Review& review) {
  const Plan& plan = review.plan;
  std::string html =
      "<header>\n<p class=\"muted\">Study for review" +
      (review.site.empty() ? "" : " at " + Escaped(review.site)) +
      (review.federation.empty() ? "" : ", in the federation " + Escaped(review.federation)) +
      "</p>\n<h1>" + Escaped(plan.title) + "</h1>\n";
  if (!plan.question.empty()) html += Paragraph(plan.question, "lead");
  html +=
      Paragraph(review.check.ok()
                    ? "Your data meet what the study asks for, and your site's policy allows it. "
                      "Nothing is sent before it is approved."
                    : "As things are, your site would not answer this study: " +
                          Describe(*review.check.problem),
                review.check.ok() ? "verdict" : "verdict bad");
  html += "</header>\n";
  const CohortFlow* flow = FlowOf(review);
  return html +
         Tiles(
             {{flow ? std::to_string(flow->patients_left) : "-", "patients here would take part"},
              {std::to_string(plan.minimum_sites) + " or more", "hospitals in every total"},
              {"up to " + std::to_string(plan.analysis->maximum_rounds()),
               "rounds, usually far fewer"},
              {plan.dp ? "epsilon " + NumberText(plan.dp->epsilon) : "no noise", "in the totals"}});
}

std::string People(const Review& review) {
  const Plan& plan = review.plan;
  return Section(
      "Who asks, and for what",
      TitledList({{"Asked by", plan.requested_by},
                  {"Permit", plan.permit.empty() ? "none named in the plan" : plan.permit},
                  {"Valid through", ToText(plan.expires)},
                  {"What is computed", plan.analysis->InWords()},
                  {"What is released", plan.analysis->ReleasedInWords() +
                                           " over all hospitals together; every "
                                           "hospital also sees the totals of each round"}}));
}

std::string Changes(const Review& review) {
  if (!review.earlier) return {};
  const EarlierStudy& earlier = *review.earlier;
  std::string body = Paragraph("Compared with the study \"" + earlier.title + "\" (" +
                               earlier.id.Short() + "), " + earlier.decided + " at this site.");
  if (earlier.changes.empty()) {
    return Section("What changed since an earlier study",
                   body + Paragraph("Nothing: the plans are equal."));
  }
  HtmlTable table("Each difference of the two plans; what is not listed is the same.",
                  {{"what", CellKind::kText}, {"then", CellKind::kText}, {"now", CellKind::kText}});
  for (const PlanChange& change : earlier.changes) {
    table.Add({change.what, change.before.empty() ? "-" : change.before,
               change.after.empty() ? "no longer" : change.after});
  }
  return Section("What changed since an earlier study", body + table.Html());
}

std::string Data(const Review& review) {
  HtmlTable table("The columns of the study.",
                  {{"column", CellKind::kText}, {"what it is", CellKind::kText}});
  for (auto& [name, words] : ColumnsInWords(review.plan)) table.Add({name, words});
  std::string body = Paragraph("Read here, and never sent: the patient identifier \"" +
                               review.plan.contract.patient + "\" and each patient's values.") +
                     table.Html();
  const std::vector<std::string> rules = EligibilityInWords(review.plan);
  if (!rules.empty()) {
    body += "<h3>Patients are eligible if all of these hold</h3>\n" + List(rules);
  }
  return Section("What is read at your hospital", body + Paragraph(GapsInWords(review.plan)));
}

std::string FlowPlot(const CohortFlow& flow) {
  std::vector<Bar> bars;
  const auto add = [&bars](const std::string& label, std::uint64_t rows, bool hollow) {
    Bar bar;
    bar.label = label;
    bar.value = static_cast<double>(rows);
    bar.text = std::to_string(rows);
    bar.series = hollow ? Series::kAlone : Series::kFederated;
    bar.hollow = hollow;
    bars.push_back(std::move(bar));
  };
  add("rows read", flow.rows_read, false);
  for (const CohortFlow::Step& step : flow.removed) {
    if (step.rows > 0) add(step.reason, step.rows, true);
  }
  add("rows left", flow.rows_left, false);
  return BarPlot("From the data to the cohort", bars, std::nullopt);
}

std::string Patients(const Review& review) {
  const CohortFlow* flow = FlowOf(review);
  if (flow == nullptr) {
    return Section("Your patients", Paragraph("The data could not be brought into the study's "
                                              "form; consilium-site check shows what is wrong.",
                                              "bad"));
  }
  HtmlTable table("How many rows each rule leaves out. Counted here, not sent.",
                  {{"step", CellKind::kText}, {"rows", CellKind::kNumber}});
  table.Add({"read from " + review.check.report->file, std::to_string(flow->rows_read)});
  for (const CohortFlow::Step& step : flow->removed) {
    table.Add({"left out: " + step.reason, std::to_string(step.rows)});
  }
  table.Add({"in the study", std::to_string(flow->rows_left)});
  return Section(
      "Your patients",
      Grid(Figure("From the data to the cohort", FlowPlot(*flow)) + "<div>" + table.Html() +
           Paragraph(std::to_string(flow->patients_left) +
                     " patients would take part. Their number is part of the totals "
                     "and is not told for your hospital alone.") +
           "</div>"));
}

std::string Leaves(const Review& review) {
  HtmlTable table(
      std::to_string(NumbersOf(review.plan)) + " numbers in all kinds of rounds together.",
      {{"name", CellKind::kText},
       {"how many", CellKind::kText},
       {"meaning", CellKind::kText},
       {"bound", CellKind::kText}});
  for (const Slice& slice : review.plan.analysis->DescribeForReview()) {
    const std::string bound = BoundInWords(slice);
    table.Add({slice.name, slice.shape, slice.meaning, bound.empty() ? "-" : bound});
  }
  return Section("What leaves your hospital in each round", Paragraph(RoundsInWords(review.plan)) +
                                                                "<div class=\"cards\">\n" +
                                                                table.Html() + "</div>\n");
}

std::string Safeguards(const Review& review) {
  std::vector<std::pair<std::string, std::string>> risks;
  for (const PlanRisk& risk : RisksInWords(review.plan)) risks.emplace_back(risk.title, risk.words);
  std::string html =
      Section("Privacy", Paragraph(PrivacyInWords(review.plan)) +
                             (review.balance.empty() ? "" : Paragraph(review.balance)) +
                             List(ThresholdsInWords(review.plan)));
  if (!risks.empty()) {
    html += Section("Risks, even if everybody keeps to the plan", TitledList(risks));
  }
  const std::vector<std::string> sketches = SketchesInWords(review.plan);
  if (!sketches.empty()) {
    html += Section("What the coordinator is told of your hospital alone", List(sketches));
  }
  std::vector<std::string> model;
  for (const ModelFinding& finding : review.check.model) model.push_back(finding.words + ".");
  if (!model.empty()) html += Section("What the model could learn by heart here", List(model));
  const std::string trainer = TrainerInWords(review.plan);
  if (trainer.empty()) return html;
  return html + Section("The program that learns",
                        Paragraph(trainer) +
                            (review.check.trainer.empty()
                                 ? ""
                                 : Paragraph("Here it is " + review.check.trainer + ".")));
}

std::string PolicySays(const Review& review) {
  std::string body;
  if (!review.check.ok()) body += Paragraph("No: " + Describe(*review.check.problem), "bad");
  if (review.check.ok()) body += Paragraph("Yes: policy.toml allows the study as it is.");
  const std::vector<RuleCheck> rules = RulesOf(review);
  if (rules.empty()) return Section("What your site's policy says", body);
  HtmlTable table("The rules that are checked before anything is computed.",
                  {{"rule", CellKind::kText},
                   {"asked for", CellKind::kText},
                   {"here", CellKind::kText},
                   {"", CellKind::kText}});
  for (const RuleCheck& rule : rules) {
    table.Add({rule.rule, rule.needed, rule.here, rule.holds ? "holds" : "does not hold"});
  }
  return Section("What your site's policy says", body + table.Html());
}

std::string Deciding(const Review& review) {
  std::string body =
      Paragraph("Decision so far: " + (review.decision.empty() ? "none." : review.decision));
  std::string commands;
  for (const std::string& command : review.commands) commands += Escaped(command) + "\n";
  body += "<pre>" + commands + "</pre>\n" +
          Paragraph(
              "The study's number stands for the whole plan: a plan that differs in anything "
              "has another number and needs another approval.") +
          "<p class=\"number\">" + Escaped(review.plan.id.ToHex()) + "</p>\n";
  return Section("To decide", body);
}

}  // namespace

std::string ReviewHtml(const Review& review) {
  const std::string body = Head(review) + Changes(review) + People(review) + Data(review) +
                           Patients(review) + Leaves(review) + Safeguards(review) +
                           PolicySays(review) + Deciding(review) +
                           Paragraph("Made at this site on " + ToText(review.at) +
                                         ". It holds counts of your patients: keep it here.",
                                     "muted");
  return Page(review.plan.title, body, kStyle);
}

}  // namespace consilium
