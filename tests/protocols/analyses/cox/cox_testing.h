#pragma once

// Plans of Cox regressions, and their comparison with R's coxph.

#include <string>

#include <gtest/gtest.h>

#include "tests/protocols/analyses/regression_testing.h"

namespace consilium::testing {

/// The [analysis] table; features as a TOML list's inside.
inline std::string CoxTable(const std::string& event,
                            const std::string& time,
                            const std::string& features,
                            const std::string& more = {}) {
  return "kind = \"cox\"\nevent = \"" + event + "\"\ntime = \"" + time + "\"\nfeatures = [" +
         features + "]\n" + more;
}

/// All numbers of the reference; its Wald test is rounded to two places.
inline void ExpectEqualsCoxph(const Json& result, const Json& reference) {
  constexpr double kTolerance = 1e-8;
  constexpr double kTail = 1e-6;
  ASSERT_TRUE(result["converged"].get<bool>()) << result.dump(1);
  const Json& lines = result["coefficients"];
  ASSERT_EQ(lines.size(), reference["coef"].size());
  for (std::size_t j = 0; j < lines.size(); ++j) {
    const Json& line = lines[j];
    const Json& r = reference["coef"][j];
    const Json& limits = reference["conf_int_hr"][j];
    const std::string name = line["name"];
    ExpectClose(line["estimate"], r["coef"], kTolerance, name);
    ExpectClose(line["std_error"], r["se_coef_"], kTolerance, name + " standard error");
    ExpectClose(line["statistic"], r["z"], kTolerance, name + " z");
    ExpectClose(line["p_value"], r["Pr_z_"], kTail, name + " p value");
    ExpectClose(line["hazard_ratio"], r["exp_coef_"], kTolerance, name + " hazard ratio");
    ExpectClose(line["hazard_ratio_low"], limits["lower_95"], kTolerance, name + " lower limit");
    ExpectClose(line["hazard_ratio_high"], limits["upper_95"], kTolerance, name + " upper limit");
    for (std::size_t k = 0; k < lines.size(); ++k) {
      ExpectClose(result["covariance"][j][k], reference["vcov"][j][k], kTail, name + " covariance");
    }
  }
  EXPECT_EQ(result["rows"], reference["n"]);
  EXPECT_EQ(result["events"], reference["events"]);
  ExpectClose(result["log_likelihood"], reference["loglik"], 1e-11, "log-likelihood");
  ExpectClose(result["null_log_likelihood"], reference["loglik_null"], 1e-11, "at zero");
  for (const char* test : {"lr_test", "score_test"}) {
    const std::string field = test[0] == 'l' ? "likelihood_ratio_test" : "score_test";
    ExpectClose(result[field]["statistic"], reference[test][0], kTolerance, test);
    EXPECT_EQ(result[field]["df"], reference[test][1]);
    ExpectClose(result[field]["p_value"], reference[test][2], kTail, test);
  }
  EXPECT_NEAR(result["wald_test"]["statistic"].get<double>(),
              reference["wald_test"][0].get<double>(), 0.005 + 1e-9);
  ExpectClose(result["wald_test"]["p_value"], reference["wald_test"][2], 0.02, "Wald");
  ExpectClose(result["concordance"], reference["c_index"][0], kTolerance, "concordance");
  ExpectClose(result["concordance_std_error"], reference["c_index"][1], kTolerance,
              "concordance's standard error");
}

}  // namespace consilium::testing
