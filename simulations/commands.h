#pragma once

// The program consilium-sim.

namespace consilium {

int RunSimulatorProgram(int count, char** arguments);

}  // namespace consilium
