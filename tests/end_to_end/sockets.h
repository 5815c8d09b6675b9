#pragma once

// Plain TCP on loopback, for tests that are no ZeroMQ peers.

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "common/file_descriptor.h"

namespace consilium::testing {

/// Connected to 127.0.0.1; not valid when nobody listens or no descriptor is left.
FileDescriptor ConnectTo(int port);
/// The same without waiting for an answer, which may never come.
FileDescriptor BeginConnecting(int port);
/// Listens on a port of 127.0.0.1 that the system chose, which is stored in `port`.
FileDescriptor ListenAnywhere(int& port);
/// All of it; false when the other side does not take it any more.
bool SendAll(int socket, ByteSpan bytes);
/// Closed without a farewell: the other side gets a reset.
void CloseWithReset(FileDescriptor socket);

/// As the system tells everybody: programs whose memory nobody may look into do not show what they
/// have open, except to root.
struct Connections {
  std::size_t accepted = 0;  ///< By the program that listens, and not closed by it.
  std::size_t waiting = 0;   ///< To be accepted.
};
/// To a port of 127.0.0.1 on which somebody listens.
Connections ConnectionsTo(int port);

}  // namespace consilium::testing
