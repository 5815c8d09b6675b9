#include "simulations/commands.h"

int main(int count, char** arguments) { return consilium::RunSimulatorProgram(count, arguments); }
