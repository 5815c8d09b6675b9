#pragma once

// Each connection takes a file descriptor, and by default a process may have 1,024.

#include <cstddef>

#include "common/result.h"

namespace consilium {

/// Lets this process have at least so many file descriptors open. kPermission, with the remedy,
/// when the system does not allow as many.
Status AllowDescriptors(std::size_t wanted);

}  // namespace consilium
