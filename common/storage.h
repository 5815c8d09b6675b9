#pragma once

// Durable records: what a state machine's Persist effects become. One small vocabulary (tables of
// key-value records, changed in atomic batches), so that the simulator can stand in for the disk.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace consilium {

struct PutRecord {
  std::string table;
  Bytes key;
  Bytes value;
};
struct EraseRecord {
  std::string table;
  Bytes key;
};
using RecordChange = std::variant<PutRecord, EraseRecord>;
using RecordBatch = std::vector<RecordChange>;

struct Record {
  Bytes key;
  Bytes value;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;
  /// All or nothing, durable when it returns. kStorageFull or kIo: nothing was changed.
  virtual Status Apply(const RecordBatch& batch) = 0;
  /// A table's records in key order; empty for a table never written. kCorrupt names the record.
  virtual Result<std::vector<Record>> Load(const std::string& table) const = 0;
};

/// Records in memory: tests, and the simulator's disk. A copy is a snapshot.
class MemoryStore final : public RecordStore {
 public:
  MemoryStore();
  MemoryStore(const MemoryStore& other);
  MemoryStore& operator=(const MemoryStore& other);
  ~MemoryStore() override;
  Status Apply(const RecordBatch& batch) override;
  Result<std::vector<Record>> Load(const std::string& table) const override;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

/// What makes the records of one format those of the next: changes, computed from what is stored.
using UpgradeStep = std::function<Result<RecordBatch>(const RecordStore&)>;
/// From format 1 to 2, from 2 to 3, ...: a program writes the format after its last step.
using UpgradeSteps = std::vector<UpgradeStep>;

/// Opens or creates an SQLite file: one connection, WAL, synchronous=FULL, exclusive lock, every
/// PRAGMA read back; mode 0600; each row with its BLAKE2b hash; quick_check and row hashes at
/// opening. kBusy when another process holds it, kCorrupt (never re-created) with the remedy,
/// kStorageFull. A file of an older format is first copied to FILE.format-N beside it, then each
/// step is one transaction: after a crash or an error the file is of one format or the next, whole.
/// A file of a newer format is kConflict and stays as it is.
Result<std::unique_ptr<RecordStore>> OpenSqliteStore(const std::filesystem::path& file,
                                                     const UpgradeSteps& steps = {});

}  // namespace consilium
