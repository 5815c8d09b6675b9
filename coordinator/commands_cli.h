#pragma once

namespace consilium {

/// The whole program: parses the command line, runs one command, returns the exit code.
int RunCoordinatorProgram(int count, char** arguments);

}  // namespace consilium
