#pragma once

// Pictures with labels as a table: the IDX files in which MNIST and its kin are published.

#include <filesystem>

#include "client/ingestion/source.h"
#include "common/result.h"
#include "protocols/contract.h"

namespace consilium {

/// Each picture is a patient: its pixels fill the contract's one series of columns, row by row from
/// the top left; its label, a number, is the level of `label_column` with that text. kCorrupt with
/// the file's name for a file that is no such IDX file; kInvalidArgument when the contract has no
/// series of as many columns as a picture has pixels.
Result<LoadedTable> LoadImages(const std::filesystem::path& images,
                               const std::filesystem::path& labels,
                               const Contract& contract,
                               const std::string& label_column);

}  // namespace consilium
