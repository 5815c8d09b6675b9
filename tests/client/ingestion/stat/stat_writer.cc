#include "tests/client/ingestion/stat/stat_writer.h"

#include <memory>

#include <gtest/gtest.h>
#include <readstat.h>

namespace consilium {
namespace {

::ssize_t Append(const void* data, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return static_cast<::ssize_t>(size);
}

void Expect(readstat_error_t error) {
  EXPECT_EQ(error, READSTAT_OK) << readstat_error_message(error);
}

readstat_type_t TypeOf(StatStorage storage) {
  switch (storage) {
    case StatStorage::kText:
      return READSTAT_TYPE_STRING;
    case StatStorage::kFloat:
      return READSTAT_TYPE_FLOAT;
    case StatStorage::kInt32:
      return READSTAT_TYPE_INT32;
    case StatStorage::kInt16:
      return READSTAT_TYPE_INT16;
    case StatStorage::kInt8:
      return READSTAT_TYPE_INT8;
    case StatStorage::kDouble:
      break;
  }
  return READSTAT_TYPE_DOUBLE;
}

readstat_variable_t* Add(readstat_writer_t* writer, const WrittenVariable& variable) {
  const readstat_type_t type = TypeOf(variable.storage);
  const bool text = variable.storage == StatStorage::kText;
  readstat_variable_t* added =
      readstat_add_variable(writer, variable.name.c_str(), type, text ? variable.width : 0);
  if (!variable.format.empty()) readstat_variable_set_format(added, variable.format.c_str());
  if (!variable.labels.empty() || !variable.text_labels.empty() || !variable.tag_labels.empty()) {
    const bool whole = type != READSTAT_TYPE_DOUBLE && type != READSTAT_TYPE_FLOAT && !text;
    readstat_label_set_t* labels = readstat_add_label_set(
        writer, whole ? READSTAT_TYPE_INT32 : type, (variable.name + "_l").c_str());
    for (const auto& [value, label] : variable.labels) {
      if (whole) {
        readstat_label_int32_value(labels, static_cast<int>(value), label.c_str());
      } else {
        readstat_label_double_value(labels, value, label.c_str());
      }
    }
    for (const auto& [value, label] : variable.text_labels) {
      readstat_label_string_value(labels, value.c_str(), label.c_str());
    }
    for (const auto& [tag, label] : variable.tag_labels) {
      readstat_label_tagged_value(labels, tag, label.c_str());
    }
    readstat_variable_set_label_set(added, labels);
  }
  for (const auto& [low, high] : variable.missing) {
    Expect(low == high ? readstat_variable_add_missing_double_value(added, low)
                       : readstat_variable_add_missing_double_range(added, low, high));
  }
  for (const std::string& value : variable.missing_texts) {
    Expect(readstat_variable_add_missing_string_value(added, value.c_str()));
  }
  return added;
}

readstat_error_t Begin(StatFormat format, readstat_writer_t* writer, std::string& out, long rows) {
  switch (format) {
    case StatFormat::kSas7bdat:
      return readstat_begin_writing_sas7bdat(writer, &out, rows);
    case StatFormat::kXpt:
      return readstat_begin_writing_xport(writer, &out, rows);
    case StatFormat::kSav:
      return readstat_begin_writing_sav(writer, &out, rows);
    case StatFormat::kPor:
      return readstat_begin_writing_por(writer, &out, rows);
    case StatFormat::kDta:
      return readstat_begin_writing_dta(writer, &out, rows);
  }
  return READSTAT_ERROR_WRITE;
}

readstat_error_t InsertNumber(readstat_writer_t* writer,
                              const readstat_variable_t* variable,
                              double number) {
  switch (readstat_variable_get_type(variable)) {
    case READSTAT_TYPE_FLOAT:
      return readstat_insert_float_value(writer, variable, static_cast<float>(number));
    case READSTAT_TYPE_INT32:
      return readstat_insert_int32_value(writer, variable, static_cast<std::int32_t>(number));
    case READSTAT_TYPE_INT16:
      return readstat_insert_int16_value(writer, variable, static_cast<std::int16_t>(number));
    case READSTAT_TYPE_INT8:
      return readstat_insert_int8_value(writer, variable, static_cast<std::int8_t>(number));
    default:
      return readstat_insert_double_value(writer, variable, number);
  }
}

readstat_error_t Insert(readstat_writer_t* writer,
                        const readstat_variable_t* variable,
                        const StatCell& cell) {
  if (const auto* missing = std::get_if<Missing>(&cell)) {
    return missing->tag == '\0'
               ? readstat_insert_missing_value(writer, variable)
               : readstat_insert_tagged_missing_value(writer, variable, missing->tag);
  }
  if (const auto* text = std::get_if<std::string>(&cell)) {
    return readstat_insert_string_value(writer, variable, text->c_str());
  }
  return InsertNumber(writer, variable, std::get<double>(cell));
}

}  // namespace

std::string Written(StatFormat format, const StatTable& table) {
  std::string out;
  const std::unique_ptr<readstat_writer_t, void (*)(readstat_writer_t*)> writer(
      readstat_writer_init(), readstat_writer_free);
  Expect(readstat_set_data_writer(writer.get(), Append));
  Expect(readstat_writer_set_file_timestamp(writer.get(), 1'700'000'000));
  if (table.version != 0) {
    Expect(readstat_writer_set_file_format_version(writer.get(),
                                                   static_cast<std::uint8_t>(table.version)));
  }
  if (table.packing != StatTable::Packing::kNone) {
    Expect(readstat_writer_set_compression(writer.get(), table.packing == StatTable::Packing::kRows
                                                             ? READSTAT_COMPRESS_ROWS
                                                             : READSTAT_COMPRESS_BINARY));
  }
  std::vector<readstat_variable_t*> variables;
  for (const WrittenVariable& variable : table.variables) {
    variables.push_back(Add(writer.get(), variable));
  }
  Expect(Begin(format, writer.get(), out, static_cast<long>(table.rows.size())));
  for (const auto& row : table.rows) {
    Expect(readstat_begin_row(writer.get()));
    for (std::size_t i = 0; i < row.size(); ++i) Expect(Insert(writer.get(), variables[i], row[i]));
    Expect(readstat_end_row(writer.get()));
  }
  Expect(readstat_end_writing(writer.get()));
  return out;
}

}  // namespace consilium
