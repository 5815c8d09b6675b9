#include "client/program/commands_cli.h"

int main(int count, char** arguments) { return consilium::RunSiteProgram(count, arguments); }
