// A file of delimited text, as Excel and databases make it, or worse: read row by row in bounded
// memory, or refused with the place. The first byte chooses encoding and delimiter.

#include <iterator>
#include <sstream>
#include <string>

#include "client/ingestion/csv.h"
#include "tests/fuzz/fuzz_target.h"

namespace consilium {
namespace {

CsvOptions OptionsOf(unsigned choice) {
  constexpr TextEncoding kEncodings[] = {TextEncoding::kUtf8, TextEncoding::kLatin1,
                                         TextEncoding::kWindows1252};
  constexpr char kDelimiters[] = {',', ';', '|', '\t'};
  CsvOptions options;
  options.encoding = kEncodings[choice % std::size(kEncodings)];
  if (const std::size_t rest = choice / std::size(kEncodings) % 5; rest > 0) {
    options.delimiter = kDelimiters[rest - 1];
  }
  return options;
}

Bytes File(unsigned choice, std::string_view text) {
  Bytes file{static_cast<std::byte>(choice)};
  const Bytes bytes = ToBytes(text);
  file.insert(file.end(), bytes.begin(), bytes.end());
  return file;
}

}  // namespace

void FuzzOne(ByteSpan input) {
  if (input.empty()) return;
  auto stream = std::make_unique<std::istringstream>(std::string(AsText(input.subspan(1))));
  const auto reader = CsvReader::Read(std::move(stream), "table.csv",
                                      OptionsOf(std::to_integer<unsigned>(input[0])));
  if (!reader) {
    CHECK(!reader.error().message.empty());
    return;
  }
  TableRow row;
  std::uint64_t last = 0;
  while (true) {
    const Result<bool> next = (*reader)->Next(row);
    if (!next) {
      CHECK(!next.error().message.empty());
      return;
    }
    if (!*next) return;
    CHECK(row.fields.size() == (*reader)->header().size());
    for (const std::string_view field : row.fields) CHECK(IsUtf8(field));
    CHECK(row.place > last);
    last = row.place;
  }
}

std::vector<Bytes> FuzzSeeds() {
  return {File(0, "id,age,ward\r\n1,63.5,\"a \"\"b\"\"\"\r\n2,,c\r\n"),
          File(0, "\xef\xbb\xbfid;age\n1;\"63,5\"\n\n2;\"6\n4\"\n"),
          File(0, "sep=|\nid|age\n1|2\n"),
          File(1, "id\tna\xefve\n1\t\xe9t\xe9\n"),
          File(5, "id;\x80\n1;\x93x\x94\n"),
          File(0, std::string_view("id,age\n1,\0\n", 11))};
}

}  // namespace consilium
