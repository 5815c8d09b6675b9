#include "simulations/storm/virtual_disk.h"

#include <utility>

namespace consilium {
namespace {

constexpr std::size_t kMostUndone = 8;
/// Shorter values are not worth the search for others like them.
constexpr std::size_t kFewestShared = 1'024;

}  // namespace

SharedValues::Value SharedValues::Share(const Bytes& value) {
  if (value.size() < kFewestShared) return std::make_shared<const Bytes>(value);
  std::weak_ptr<const Bytes>& place = held_[HashBytes(value)];
  Value shared = place.lock();
  if (shared != nullptr) return shared;
  shared = std::make_shared<const Bytes>(value);
  place = shared;
  std::erase_if(held_, [](const auto& entry) { return entry.second.expired(); });
  return shared;
}

Status VirtualDisk::Apply(const RecordBatch& batch) {
  if (full_) return Fail(ErrorCode::kStorageFull, "the virtual disk is full");
  std::vector<Undo> undo;
  for (const RecordChange& change : batch) {
    const auto* put = std::get_if<PutRecord>(&change);
    const auto* erase = std::get_if<EraseRecord>(&change);
    const std::string& name = put != nullptr ? put->table : erase->table;
    const Bytes& key = put != nullptr ? put->key : erase->key;
    Table& table = tables_[name];
    const auto found = table.find(key);
    undo.push_back({name, key, found == table.end() ? nullptr : found->second});
    if (put != nullptr) {
      table.insert_or_assign(key, shared_ != nullptr ? shared_->Share(put->value)
                                                     : std::make_shared<const Bytes>(put->value));
    } else if (found != table.end()) {
      table.erase(found);
    }
  }
  if (!keeps_history_) return {};
  undo_.push_back(std::move(undo));
  if (undo_.size() > kMostUndone) undo_.pop_front();
  return {};
}

Result<std::vector<Record>> VirtualDisk::Load(const std::string& table) const {
  std::vector<Record> records;
  const auto found = tables_.find(table);
  if (found == tables_.end()) return records;
  for (const auto& [key, value] : found->second) records.push_back({key, *value});
  return records;
}

bool VirtualDisk::RestoreSnapshot() {
  if (!snapshot_) return false;
  tables_ = *snapshot_;
  undo_.clear();
  return true;
}

std::size_t VirtualDisk::Forget(std::size_t batches) {
  std::size_t done = 0;
  for (; done < batches && !undo_.empty(); ++done) {
    std::vector<Undo>& undo = undo_.back();
    for (auto change = undo.rbegin(); change != undo.rend(); ++change) {
      Table& table = tables_[change->table];
      if (change->value != nullptr) {
        table.insert_or_assign(change->key, change->value);
      } else {
        table.erase(change->key);
      }
    }
    undo_.pop_back();
  }
  return done;
}

const Bytes* VirtualDisk::Find(const std::string& table, ByteSpan key) const {
  const auto found = tables_.find(table);
  if (found == tables_.end()) return nullptr;
  const auto record = found->second.find(ToBytes(key));
  return record == found->second.end() ? nullptr : record->second.get();
}

const Bytes* VirtualDisk::Last(const std::string& table) const {
  const auto found = tables_.find(table);
  if (found == tables_.end() || found->second.empty()) return nullptr;
  return found->second.rbegin()->second.get();
}

}  // namespace consilium
