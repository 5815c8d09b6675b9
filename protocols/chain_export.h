#pragma once

// Records of an audit log or a ledger as lines for other programs; docs/records.md.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "protocols/hash_chain.h"

namespace consilium {

enum class ChainFormat { kJsonLines, kCef };

/// "jsonl" or "cef"; kInvalidArgument names both.
Result<ChainFormat> FindChainFormat(std::string_view name);

/// Whose log it is.
struct ChainOwner {
  std::string program;  ///< "consilium-site"
  std::string version;
  std::string party;  ///< The site's or the federation's name.
};

/// One line without its end. JSON has all that the hash and the signature cover, so that others can
/// verify them; CEF (Common Event Format, ArcSight 2009, version 0) is what log collectors read.
std::string ExportRecord(const ChainRecord& record, const ChainOwner& owner, ChainFormat format);

/// Some of the records at a time: a long log does not fit one reply of a service.
struct ChainExport {
  std::string lines;       ///< Each with its end.
  std::uint64_t last = 0;  ///< The number of the last record in `lines`, or of the one before.
  bool more = false;
};
ChainExport ExportRecords(const std::vector<ChainRecord>& records,
                          std::uint64_t after,
                          const ChainOwner& owner,
                          ChainFormat format);

}  // namespace consilium
