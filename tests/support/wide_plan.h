#pragma once

// Plans with so many yes/no features that a sum takes several chunks.

#include <string>

namespace consilium::testing {

struct WidePlan {
  std::string title = "Wide";
  int features = 200;                          ///< "x0", "x1", ...: p of them sum p^2 words.
  std::string outcome = "type = \"boolean\"";  ///< The contract's lines for "y".
  std::string analysis = "kind = \"logistic\"\nridge = 20";
  std::string tables;  ///< What follows [analysis].
};

inline std::string TextOf(const WidePlan& wide) {
  std::string columns;
  std::string names;
  for (int j = 0; j < wide.features; ++j) {
    const std::string name = "\"x" + std::to_string(j) + "\"";
    columns += "[[contract.column]]\nname = " + name + "\ntype = \"boolean\"\n";
    names += (j == 0 ? "" : ", ") + name;
  }
  return "[study]\ntitle = \"" + wide.title +
         "\"\nquestion = \"Does it fit?\"\nrequested_by = \"Test consortium\"\npermit = \"none\"\n"
         "expires = 2090-01-01\nminimum_sites = 3\n[contract]\npatient = \"id\"\n"
         "[[contract.column]]\nname = \"y\"\n" +
         wide.outcome + "\n" + columns + "[analysis]\n" + wide.analysis +
         "\noutcome = \"y\"\nfeatures = [" + names + "]\n" + wide.tables;
}

}  // namespace consilium::testing
