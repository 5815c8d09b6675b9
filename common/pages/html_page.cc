#include "common/pages/html_page.h"

#include "common/pages/svg_plot.h"

namespace consilium {
namespace {

// Text and marks reach a contrast of 4.5 to 1 against the page, light and dark.
constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1a1f26;--muted:#59636f;
--line:#d8dde4;
--soft:#eef1f5;--fed:#0062a8;--pool:#b04600;--alone:#66707d;--truth:#00724e;--bad:#a3151b}
@media (prefers-color-scheme:dark){:root{--page:#101419;--card:#181d24;--ink:#e7ebf0;
--muted:#a4aebb;
--line:#333c47;--soft:#212831;--fed:#6cb9f4;--pool:#f3a95f;--alone:#9da7b4;--truth:#54d3a8;
--bad:#ff9a94}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif}
main{max-width:1200px;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .35rem}
h2{font-size:1.25rem;margin:0 0 .5rem}
h3{font-size:1rem;margin:0 0 .25rem}
p{margin:.25rem 0 .75rem;max-width:75ch}
.lead{font-size:1.1rem}.muted,caption,figcaption{color:var(--muted)}.bad{color:var(--bad)}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:1.25rem 1.4rem;
margin:1.25rem 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.8rem;
margin:1.25rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:.8rem 1rem}
.tile b{display:block;font-size:1.5rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:.875rem}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:1.4rem}
figure{margin:0 0 .5rem;min-width:0}svg{display:block;width:100%;height:auto;max-width:640px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.875rem;margin:.5rem 0;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:.35rem}
th,td{padding:.32rem .8rem .32rem 0;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top}
th{font-weight:600}tbody th{font-weight:500}.n{text-align:right;white-space:nowrap}
tbody tr:hover{background:var(--soft)}
svg text{font-size:12.5px;fill:var(--ink)}svg .tick,svg .note{fill:var(--muted);font-size:12px}
svg .note{font-style:italic}svg .number{fill:var(--muted);font-size:12px;
font-variant-numeric:tabular-nums}
svg .gridline,svg .axis,svg .zero{stroke:var(--line);stroke-width:1}
svg .axis,svg .zero{stroke:var(--muted)}
svg .truth{stroke:var(--truth);stroke-width:2;stroke-dasharray:5 4}
svg .mean{stroke:var(--ink);stroke-width:2}
svg .bar,svg .curve{stroke-width:2;fill:none}
svg .fed{stroke:var(--fed)}svg .pool{stroke:var(--pool)}svg .alone{stroke:var(--alone)}
svg .mark.fed,svg .area.fed,svg .dot.fed{fill:var(--fed)}
svg .mark.pool{fill:var(--card);stroke-width:2}
svg .area.pool{fill:var(--pool)}svg .mark.alone,svg .area.alone,svg .dot.alone{fill:var(--alone)}
svg .dot{stroke:none;fill-opacity:.55}svg .area{stroke:none}svg .band{stroke:none;fill-opacity:.15}
svg .band.fed{fill:var(--fed)}svg .band.pool{fill:var(--pool)}svg .band.alone{fill:var(--alone)}
svg .area.hollow{fill:none;stroke:var(--alone);stroke-dasharray:3 3}
.key{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;margin:.25rem 0 1rem;font-size:.875rem}
.key svg{width:26px;height:16px;display:inline-block;vertical-align:-3px;margin-right:.35rem}
h1,h2,h3,p,th,td,figcaption{overflow-wrap:anywhere}
.tight{grid-template-columns:repeat(auto-fill,minmax(min(100%,280px),1fr))}
svg.narrow{max-width:420px}svg .box{fill:var(--soft);stroke:var(--ink);stroke-width:1}
figcaption{font-size:.8125rem;line-height:1.4}
.finding{border-left:4px solid var(--line);padding:.1rem 0 .1rem .9rem;margin:0 0 1.1rem}
.finding p{margin:.15rem 0}.finding.must{border-color:var(--bad)}
.finding.look{border-color:var(--pool)}
.badge{display:inline-block;border:1px solid currentColor;border-radius:999px;padding:0 .55rem;
margin-right:.45rem;font-size:.75rem;font-weight:600;line-height:1.5}
.must .badge{color:var(--bad)}.look .badge{color:var(--pool)}.note .badge{color:var(--muted)}
table.bars{width:100%}table.bars .track{width:45%;min-width:56px;padding-top:.55rem}
table.bars thead th{overflow-wrap:normal}table.bars tbody th{min-width:5.5rem}
.fill{display:block;height:.7rem;min-width:1px;background:var(--fed);
-webkit-print-color-adjust:exact;print-color-adjust:exact}
.bars small{display:block;color:var(--muted);font-weight:400;line-height:1.35}
@media (max-width:480px){main{padding:1rem .6rem 3rem}section{padding:1rem .9rem}
h1{font-size:1.5rem}.tiles{grid-template-columns:1fr 1fr;gap:.5rem}.tile{padding:.6rem .7rem}
table.bars .track{width:30%}th,td{padding-right:.5rem}}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--muted:#444;--line:#bbb;--soft:#fff;
--fed:#0062a8;--pool:#b04600;--alone:#555;--truth:#00724e;--bad:#a3151b}
main{max-width:none;padding:0}body{font-size:10.5pt}section,.tile{border-radius:0}
section{padding:.6rem .8rem}figure,tr,.tile{break-inside:avoid}h2,h3{break-after:avoid}
.scroll{overflow:visible}}
)";

}  // namespace

std::string HtmlTable::Html() const {
  std::string html =
      "<div class=\"scroll\"><table><caption>" + Escaped(caption_) + "</caption><thead><tr>";
  const auto kind = [&](std::size_t column) {
    return column < heading_.size() && heading_[column].second == CellKind::kNumber ? " class=\"n\""
                                                                                    : "";
  };
  for (std::size_t i = 0; i < heading_.size(); ++i) {
    html += "<th scope=\"col\"" + std::string(kind(i)) + ">" + Escaped(heading_[i].first) + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : rows_) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string cell = i == 0 ? "th" : "td";
      html += "<" + cell + (i == 0 ? " scope=\"row\"" : "") + kind(i) + ">" + Escaped(row[i]) +
              "</" + cell + ">";
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string Section(const std::string& heading, const std::string& body) {
  return "<section>\n<h2>" + Escaped(heading) + "</h2>\n" + body + "</section>\n";
}

std::string Paragraph(const std::string& text, std::string_view classes) {
  const std::string attribute =
      classes.empty() ? std::string() : " class=\"" + std::string(classes) + "\"";
  return "<p" + attribute + ">" + Escaped(text) + "</p>\n";
}

std::string Figure(const std::string& heading, const std::string& svg) {
  return "<figure>\n<h3>" + Escaped(heading) + "</h3>\n" + svg + "</figure>\n";
}

std::string Grid(const std::string& figures) {
  return "<div class=\"grid\">\n" + figures + "</div>\n";
}

std::string Tiles(const std::vector<std::pair<std::string, std::string>>& tiles) {
  std::string html = "<div class=\"tiles\">\n";
  for (const auto& [number, meaning] : tiles) {
    html += "<div class=\"tile\"><b>" + Escaped(number) + "</b><span>" + Escaped(meaning) +
            "</span></div>\n";
  }
  return html + "</div>\n";
}

std::string Page(const std::string& title, const std::string& body, std::string_view more_style) {
  return "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
         "style-src 'unsafe-inline'\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         Escaped(title) + "</title>\n<style>" + std::string(kStyle) + std::string(more_style) +
         "</style>\n</head>\n<body>\n<main>\n" + body + "</main>\n</body>\n</html>\n";
}

}  // namespace consilium
