#pragma once

// A self-contained page: one style sheet inside, nothing outside, no script.

#include <string>
#include <string_view>
#include <vector>

namespace consilium {

enum class CellKind { kText, kNumber };

/// A table whose cells are text: they are escaped. Rows may be shorter than the heading.
class HtmlTable {
 public:
  HtmlTable(std::string caption, std::vector<std::pair<std::string, CellKind>> heading)
      : caption_(std::move(caption)), heading_(std::move(heading)) {}

  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string Html() const;

 private:
  std::string caption_;
  std::vector<std::pair<std::string, CellKind>> heading_;
  std::vector<std::vector<std::string>> rows_;
};

/// "<section>" with a heading; `body` is HTML.
std::string Section(const std::string& heading, const std::string& body);
/// A paragraph of text.
std::string Paragraph(const std::string& text, std::string_view classes = {});
/// A plot (SVG) under a heading of its own.
std::string Figure(const std::string& heading, const std::string& svg);
/// Figures side by side where the screen is wide enough.
std::string Grid(const std::string& figures);
/// Large numbers with what they are below.
std::string Tiles(const std::vector<std::pair<std::string, std::string>>& tiles);
/// The page around all sections. `more_style` is CSS of this page's own behind the common one.
std::string Page(const std::string& title,
                 const std::string& body,
                 std::string_view more_style = {});

}  // namespace consilium
