#pragma once

// The patient of each row of a table. A patient's text is kept once however many rows name it, and
// in one block, so that millions of patients cost little more than their letters.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace consilium {

class PatientList {
 public:
  /// Goes over the rows.
  class const_iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = const std::string_view*;
    using reference = std::string_view;

    const_iterator() = default;
    const_iterator(const PatientList* list, std::size_t row) : list_(list), row_(row) {}
    std::string_view operator*() const { return (*list_)[row_]; }
    const_iterator& operator++() {
      ++row_;
      return *this;
    }
    const_iterator operator++(int) {
      const const_iterator before = *this;
      ++row_;
      return before;
    }
    bool operator==(const const_iterator&) const = default;

   private:
    const PatientList* list_ = nullptr;
    std::size_t row_ = 0;
  };
  using iterator = const_iterator;
  using value_type = std::string_view;

  PatientList() = default;
  PatientList(std::initializer_list<std::string_view> patients);

  std::size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  /// Good until the list changes.
  std::string_view operator[](std::size_t row) const { return Name(rows_[row]); }
  const_iterator begin() const { return {this, 0}; }
  const_iterator end() const { return {this, size()}; }

  /// The patient of the next row; "" if there is none, which counts as a patient like others.
  void push_back(std::string_view patient);
  /// The patients of the next rows. Of millions of patients a few dozen at a time are faster than
  /// one by one: what is far away in memory is asked for before it is needed.
  void Append(std::span<const std::string_view> patients);
  /// As many rows are expected in all, with as many different patients among them as among those
  /// that are there already.
  void reserve(std::size_t rows);
  /// Frees what only adding needs; the next row brings it back.
  void RestFromAdding();

  /// How many different patients there are.
  std::size_t distinct() const { return ends_.size(); }
  /// Equal for rows of one patient; below distinct(), rising with first appearance.
  std::uint32_t NumberOf(std::size_t row) const { return rows_[row]; }
  /// The patient of that number.
  std::string_view Name(std::uint32_t number) const {
    const std::uint64_t begin = number == 0 ? 0 : ends_[number - 1];
    return std::string_view(text_).substr(begin, ends_[number] - begin);
  }

 private:
  /// Of a hash table. Comparing hashes first spares a look at a text far away in memory.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t number_and_one = 0;  ///< 0: free.
  };
  Slot& SlotFor(std::string_view patient, std::uint32_t hash);
  /// Room in the hash table for so many patients.
  void MakeRoomFor(std::size_t patients);
  void Enter(std::vector<Slot>& slots, Slot slot) const;
  void Add(std::string_view patient, std::uint32_t hash);

  std::string text_;                   // Of all different patients, one behind the other.
  std::vector<std::uint64_t> ends_;    // Where each ends.
  std::vector<std::uint32_t> rows_;    // The patient of each row.
  std::vector<std::uint32_t> hashes_;  // Of what Append() adds.
  std::vector<Slot> slots_;            // As many as a power of two.
};

}  // namespace consilium
