#pragma once

// A party's disk in a storm: batches are all or nothing and durable, as the store's contract says;
// and then what befalls disks nevertheless.

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "common/storage.h"

namespace consilium {

class VirtualDisk final : public RecordStore {
 public:
  Status Apply(const RecordBatch& batch) override;
  Result<std::vector<Record>> Load(const std::string& table) const override;

  void SetFull(bool full) { full_ = full; }
  bool full() const { return full_; }
  /// Keeps a copy of today's state.
  void TakeSnapshot() { snapshot_ = tables_; }
  /// Back to the copy; false when there is none.
  bool RestoreSnapshot();
  /// Undoes up to `batches` of the newest batches; how many it undid.
  std::size_t Forget(std::size_t batches);

  const Bytes* Find(const std::string& table, ByteSpan key) const;
  /// The record with the highest key.
  const Bytes* Last(const std::string& table) const;

 private:
  using Table = std::map<Bytes, Bytes>;
  using Tables = std::map<std::string, Table>;
  struct Undo {
    std::string table;
    Bytes key;
    std::optional<Bytes> value;  ///< What stood there before.
  };

  Tables tables_;
  std::optional<Tables> snapshot_;
  std::deque<std::vector<Undo>> undo_;
  bool full_ = false;
};

}  // namespace consilium
