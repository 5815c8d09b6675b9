#include "protocols/chain_export.h"

#include <nlohmann/json.hpp>

namespace consilium {
namespace {

using Json = nlohmann::ordered_json;

/// A record has at most some 20 KB, a reply of a service 16 MB, with room for JSON's escapes.
constexpr std::size_t kPartBytes = 4U << 20U;
constexpr int kSeverity = 3;  // Of 0 to 10; 0 to 3 are "low".

std::string Dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// What separates fields is escaped; a line break would end the record.
std::string Escaped(std::string_view text, char separator) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      escaped += c == '\n' ? "\\n" : "\\r";
      continue;
    }
    if (c == '\\' || c == separator) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string JsonLine(const ChainRecord& record, const ChainOwner& owner) {
  Json line;
  line["party"] = owner.party;
  line["number"] = record.number;
  line["at"] = ToText(record.at);
  line["event"] = record.event;
  line["detail"] = record.detail;
  line["previous"] = record.previous.ToHex();
  line["signature"] = ToHex(record.signature.bytes);
  return Dumped(line);
}

std::string CefLine(const ChainRecord& record, const ChainOwner& owner) {
  std::string line = "CEF:0|Consilium";
  for (const std::string& field : {owner.program, owner.version, record.event, record.event}) {
    line += "|" + Escaped(field, '|');
  }
  line += "|" + std::to_string(kSeverity) + "|";
  const auto add = [&line](const std::string& key, std::string_view value) {
    line += (line.back() == '|' ? "" : " ") + key + "=" + Escaped(value, '=');
  };
  add("rt", std::to_string(record.at.seconds * 1'000));
  add("dvchost", owner.party);
  add("cn1Label", "record");
  add("cn1", std::to_string(record.number));
  add("cs1Label", "detail");
  add("cs1", record.detail);
  add("cs2Label", "signature");
  add("cs2", ToHex(record.signature.bytes));
  return line;
}

}  // namespace

Result<ChainFormat> FindChainFormat(std::string_view name) {
  if (name == "jsonl") return ChainFormat::kJsonLines;
  if (name == "cef") return ChainFormat::kCef;
  return Fail(ErrorCode::kInvalidArgument, "no format is called '" + std::string(name) + "'",
              "Use jsonl (JSON lines) or cef (Common Event Format).");
}

std::string ExportRecord(const ChainRecord& record, const ChainOwner& owner, ChainFormat format) {
  return format == ChainFormat::kCef ? CefLine(record, owner) : JsonLine(record, owner);
}

ChainExport ExportRecords(const std::vector<ChainRecord>& records,
                          std::uint64_t after,
                          const ChainOwner& owner,
                          ChainFormat format) {
  ChainExport part;
  part.last = after;
  for (std::uint64_t i = after; i < records.size(); ++i) {
    if (part.lines.size() > kPartBytes) {
      part.more = true;
      break;
    }
    part.lines += ExportRecord(records[i], owner, format) + "\n";
    part.last = records[i].number;
  }
  return part;
}

}  // namespace consilium
