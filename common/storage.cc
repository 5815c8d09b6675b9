#include "common/storage.h"

#include <map>
#include <type_traits>
#include <utility>

namespace consilium {

struct MemoryStore::Tables {
  std::map<std::string, std::map<Bytes, Bytes>> by_name;
};

MemoryStore::MemoryStore() : tables_(std::make_unique<Tables>()) {}
MemoryStore::MemoryStore(const MemoryStore& other)
    : tables_(std::make_unique<Tables>(*other.tables_)) {}
MemoryStore& MemoryStore::operator=(const MemoryStore& other) {
  *tables_ = *other.tables_;
  return *this;
}
MemoryStore::~MemoryStore() = default;

Status MemoryStore::Apply(const RecordBatch& batch) {
  for (const RecordChange& change : batch) {
    if (const auto* put = std::get_if<PutRecord>(&change)) {
      tables_->by_name[put->table].insert_or_assign(put->key, put->value);
    } else if (const auto* erase = std::get_if<EraseRecord>(&change)) {
      const auto table = tables_->by_name.find(erase->table);
      if (table != tables_->by_name.end()) table->second.erase(erase->key);
    }
  }
  return {};
}

Result<std::vector<Record>> MemoryStore::Load(const std::string& table) const {
  std::vector<Record> records;
  const auto found = tables_->by_name.find(table);
  if (found == tables_->by_name.end()) return records;
  records.reserve(found->second.size());
  for (const auto& [key, value] : found->second) records.push_back(Record{key, value});
  return records;
}

}  // namespace consilium
