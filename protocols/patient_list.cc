#include "protocols/patient_list.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>
#include <utility>

#include "common/check.h"
#include "common/memory_pages.h"

namespace consilium {
namespace {

std::uint32_t HashOf(std::string_view patient) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>{}(patient));
}

}  // namespace

PatientList::PatientList(std::initializer_list<std::string_view> patients) {
  for (const std::string_view patient : patients) push_back(patient);
}

// The slot that has the patient's number, or the free one where it belongs.
PatientList::Slot& PatientList::SlotFor(std::string_view patient, std::uint32_t hash) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.number_and_one == 0) return slot;
    if (slot.hash == hash && Name(slot.number_and_one - 1) == patient) return slot;
  }
}

void PatientList::Enter(std::vector<Slot>& slots, Slot slot) const {
  const std::size_t mask = slots.size() - 1;
  std::size_t at = slot.hash & mask;
  while (slots[at].number_and_one != 0) at = (at + 1) & mask;
  slots[at] = slot;
}

// Keeps a quarter of the slots free at least.
void PatientList::MakeRoomFor(std::size_t patients) {
  if (4 * patients <= 3 * slots_.size()) return;
  constexpr std::size_t kFewest = 16;
  const bool rested = slots_.empty();
  const std::size_t size = std::bit_ceil(std::max(kFewest, patients * 4 / 3 + 1));
  std::vector<Slot> larger;
  ReserveLarge(larger, size);
  larger.resize(size);
  if (rested) {
    for (std::uint32_t i = 0; i < distinct(); ++i) Enter(larger, {HashOf(Name(i)), i + 1});
  }
  for (const Slot& slot : slots_) {
    if (slot.number_and_one != 0) Enter(larger, slot);
  }
  slots_ = std::move(larger);
}

void PatientList::reserve(std::size_t rows) {
  if (rows <= size()) return;
  ReserveLarge(rows_, rows);
  if (empty()) return;
  const double share = static_cast<double>(distinct()) / static_cast<double>(size());
  const auto patients = static_cast<std::size_t>(share * static_cast<double>(rows));
  ReserveLarge(ends_, patients);
  text_.reserve(text_.size() / distinct() * patients + text_.size());
  PreferLargePages(text_.data() + text_.size(), text_.capacity() - text_.size());
  MakeRoomFor(patients);
}

void PatientList::RestFromAdding() { slots_ = std::vector<Slot>(); }

void PatientList::Add(std::string_view patient, std::uint32_t hash) {
  // Rows of one patient often follow one another.
  if (!rows_.empty() && Name(rows_.back()) == patient) {
    rows_.push_back(rows_.back());
    return;
  }
  MakeRoomFor(distinct() + 1);
  Slot& slot = SlotFor(patient, hash);
  if (slot.number_and_one == 0) {
    CHECK(distinct() < std::numeric_limits<std::uint32_t>::max() - 1);
    text_ += patient;
    ends_.push_back(text_.size());
    slot = {hash, static_cast<std::uint32_t>(distinct())};
  }
  rows_.push_back(slot.number_and_one - 1);
}

void PatientList::push_back(std::string_view patient) { Add(patient, HashOf(patient)); }

void PatientList::Append(std::span<const std::string_view> patients) {
  hashes_.clear();
  for (const std::string_view patient : patients) {
    hashes_.push_back(HashOf(patient));
    if (!slots_.empty()) __builtin_prefetch(&slots_[hashes_.back() & (slots_.size() - 1)], 1);
  }
  for (std::size_t i = 0; i < patients.size(); ++i) Add(patients[i], hashes_[i]);
}

}  // namespace consilium
