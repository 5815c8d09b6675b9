// Any table that a reference writer writes in any dialect reads back the same.

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "client/ingestion/csv.h"
#include "common/names.h"

namespace consilium {
namespace {

using Table = std::vector<std::vector<std::string>>;

struct Dialect {
  char delimiter = ',';
  std::string line_end = "\n";
  bool quote_all = false;
  bool byte_order_mark = false;
  bool final_line_end = true;
  bool blank_lines = false;
};

Dialect AnyDialect() {
  Dialect dialect;
  dialect.delimiter = *rc::gen::element(',', ';', '\t', '|');
  dialect.line_end = *rc::gen::element<std::string>("\n", "\r\n", "\r");
  dialect.quote_all = *rc::gen::arbitrary<bool>();
  dialect.byte_order_mark = *rc::gen::arbitrary<bool>();
  dialect.final_line_end = *rc::gen::arbitrary<bool>();
  dialect.blank_lines = *rc::gen::arbitrary<bool>();
  return dialect;
}

std::string AnyText() {
  std::string text;
  const auto pieces = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("a", "Z", "7", ".", ",", ";", "\t", "|", "\"", " ", "\n",
                                    "\r\n", "\r", "\xC3\xA4", "\xE2\x82\xAC", "'"));
  for (const std::string& piece : pieces) text += piece;
  return text;
}

std::string Written(const std::string& text, const Dialect& dialect, bool only_field) {
  const bool special =
      text.find_first_of(std::string("\"\r\n") + dialect.delimiter) != std::string::npos;
  // A lone empty field would be an empty line.
  if (!special && !dialect.quote_all && !(only_field && text.empty())) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string Written(const Table& table, const Dialect& dialect) {
  std::string out = dialect.byte_order_mark ? "\xEF\xBB\xBF" : "";
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::size_t j = 0; j < table[i].size(); ++j) {
      if (j > 0) out += dialect.delimiter;
      out += Written(table[i][j], dialect, table[i].size() == 1);
    }
    if (i + 1 < table.size() || dialect.final_line_end) out += dialect.line_end;
    if (dialect.blank_lines && i + 1 < table.size()) out += dialect.line_end;
  }
  return out;
}

Table AnyTable(std::size_t columns) {
  Table table(1);
  for (std::size_t j = 0; j < columns; ++j) {
    table[0].push_back("c" + std::to_string(j) + *rc::gen::element<std::string>("", "ä", " b"));
  }
  const auto rows = *rc::gen::inRange<std::size_t>(0, 12);
  for (std::size_t i = 0; i < rows; ++i) {
    table.emplace_back();
    for (std::size_t j = 0; j < columns; ++j) table.back().push_back(AnyText());
  }
  return table;
}

// Everything the reader returns, or a word that no table holds.
Table ReadBack(const std::string& text, const CsvOptions& options) {
  auto reader = CsvReader::Read(std::make_unique<std::istringstream>(text), "data.csv", options);
  if (!reader) return {{"error: " + Describe(reader.error())}};
  Table table{(*reader)->header()};
  TableRow row;
  for (;;) {
    const auto any = (*reader)->Next(row);
    if (!any) return {{"error: " + Describe(any.error())}};
    if (!*any) return table;
    table.emplace_back();
    table.back().assign(row.fields.begin(), row.fields.end());
  }
}

RC_GTEST_PROP(CsvReaderPropertyTest, ReadsBackWhatWasWrittenInAnyDialect, ()) {
  const Table table = AnyTable(*rc::gen::inRange<std::size_t>(1, 6));
  const Dialect dialect = AnyDialect();
  const std::string text = Written(table, dialect);
  RC_ASSERT(ReadBack(text, {.delimiter = dialect.delimiter}) == table);
}

RC_GTEST_PROP(CsvReaderPropertyTest, FindsTheDelimiterOfNumericTables, ()) {
  const Dialect dialect = AnyDialect();
  const auto columns = *rc::gen::inRange<std::size_t>(2, 6);
  Table table(1);
  for (std::size_t j = 0; j < columns; ++j) table[0].push_back("c" + std::to_string(j));
  const auto rows = *rc::gen::inRange<std::size_t>(0, 8);
  const std::string mark = dialect.delimiter == ',' ? "." : ",";
  for (std::size_t i = 0; i < rows; ++i) {
    table.emplace_back();
    for (std::size_t j = 0; j < columns; ++j) {
      table.back().push_back(std::to_string(*rc::gen::inRange(0, 99)) + mark + "5");
    }
  }
  RC_ASSERT(ReadBack(Written(table, dialect), {}) == table);
}

RC_GTEST_PROP(CsvReaderPropertyTest, AnyBytesGiveRowsOfTheHeadersWidthOrAnError, ()) {
  const auto bytes = *rc::gen::container<std::string>(
      rc::gen::weightedOneOf<char>({{3, rc::gen::element('a', '1', ',', ';', '"', '\n', '\r')},
                                    {1, rc::gen::arbitrary<char>()}}));
  auto reader = CsvReader::Read(std::make_unique<std::istringstream>(bytes), "data.csv", {});
  if (!reader) return;
  TableRow row;
  std::uint64_t previous = 0;
  for (;;) {
    const auto any = (*reader)->Next(row);
    if (!any || !*any) break;
    RC_ASSERT(row.fields.size() == (*reader)->header().size());
    RC_ASSERT(row.place > previous);
    previous = row.place;
  }
}

}  // namespace
}  // namespace consilium
