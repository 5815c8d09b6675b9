#include "coordinator/commands_cli.h"

int main(int count, char** arguments) { return consilium::RunCoordinatorProgram(count, arguments); }
