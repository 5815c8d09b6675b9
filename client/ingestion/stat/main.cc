// Reads one file of SAS, SPSS or Stata, open as its stdin, for a program that has started it with
// nothing else: no network, no keys, no other file.

#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "client/ingestion/stat/stat_rows.h"
#include "common/core_dumps.h"

int main(int count, char** arguments) {
  using namespace consilium;
  // Patients' rows pass through its memory, and a file can bring the library down.
  if (const Status none = ForbidCoreDumps(); !none) {
    std::cerr << "consilium-table-reader: " << Describe(none.error()) << "\n";
    return EXIT_FAILURE;
  }
  const auto question = QuestionOf(std::vector<std::string>(arguments + 1, arguments + count));
  if (!question) {
    std::cerr << "consilium-table-reader: " << Describe(question.error()) << "\n";
    return 2;
  }
  const bool heard = TellStatFile(*question, STDIN_FILENO, STDOUT_FILENO);
  // Without the checks that a sanitizer makes at the end: they need calls that are denied here.
  std::_Exit(heard ? EXIT_SUCCESS : EXIT_FAILURE);
}
