#pragma once

// A party's disk in a storm: batches are all or nothing and durable, as the store's contract says;
// and then what befalls disks nevertheless.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/crypto/hash.h"
#include "common/storage.h"

namespace consilium {

/// Long values that stand on many disks, such as a roster on each site's: equal ones are one object
/// as long as a disk holds it.
class SharedValues {
 public:
  using Value = std::shared_ptr<const Bytes>;
  Value Share(const Bytes& value);

 private:
  std::map<Digest, std::weak_ptr<const Bytes>> held_;
};

class VirtualDisk final : public RecordStore {
 public:
  /// With values that other disks may hold, too; they outlive this one.
  void ShareWith(SharedValues& shared) { shared_ = &shared; }
  /// Remembers nothing of what was: for a disk that nothing befalls.
  void KeepNoHistory() { keeps_history_ = false; }

  Status Apply(const RecordBatch& batch) override;
  Result<std::vector<Record>> Load(const std::string& table) const override;

  void SetFull(bool full) { full_ = full; }
  bool full() const { return full_; }
  /// Keeps a copy of today's state.
  void TakeSnapshot() {
    if (keeps_history_) snapshot_ = tables_;
  }
  /// Back to the copy; false when there is none.
  bool RestoreSnapshot();
  /// Undoes up to `batches` of the newest batches; how many it undid.
  std::size_t Forget(std::size_t batches);

  const Bytes* Find(const std::string& table, ByteSpan key) const;
  /// The record with the highest key.
  const Bytes* Last(const std::string& table) const;

 private:
  using Value = SharedValues::Value;
  using Table = std::map<Bytes, Value>;
  using Tables = std::map<std::string, Table>;
  struct Undo {
    std::string table;
    Bytes key;
    Value value;  ///< What stood there before; null for nothing.
  };

  Tables tables_;
  std::optional<Tables> snapshot_;
  std::deque<std::vector<Undo>> undo_;
  SharedValues* shared_ = nullptr;
  bool keeps_history_ = true;
  bool full_ = false;
};

}  // namespace consilium
