#pragma once

namespace consilium {

/// The program consilium-site: parses its command line, does it, returns the exit code.
int RunSiteProgram(int count, char** arguments);

}  // namespace consilium
