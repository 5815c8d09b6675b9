#pragma once

// What every page of ours must be: whole, and by itself.

#include <regex>
#include <stack>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace consilium {

/// Names of elements that are closed in another order than they were opened, or not at all.
inline std::string UnbalancedElement(const std::string& html) {
  static const std::regex kTag(R"(<(/?)([a-zA-Z0-9]+)([^<>]*?)(/?)>)");
  std::stack<std::string> open;
  for (std::sregex_iterator tag(html.begin(), html.end(), kTag), end; tag != end; ++tag) {
    const std::string name = (*tag)[2].str();
    if (name == "meta" || name == "br" || (*tag)[4].length() > 0) continue;
    if ((*tag)[1].length() == 0) {
      open.push(name);
    } else if (open.empty() || open.top() != name) {
      return name;
    } else {
      open.pop();
    }
  }
  return open.empty() ? "" : open.top();
}

/// Loads nothing, sends nothing, runs nothing.
inline void ExpectNothingForeign(const std::string& page) {
  for (const char* foreign : {"<script", "http:", "https:", "url(", "@import", "src=", "<link"}) {
    EXPECT_THAT(page, ::testing::Not(::testing::HasSubstr(foreign)));
  }
  EXPECT_THAT(page, ::testing::HasSubstr("default-src 'none'"));
}

}  // namespace consilium
