#!/usr/bin/env Rscript
# Standard errors at the maximum. R's summary(glm) has them from one step earlier, off by up to 1e-7 even with
# epsilon = 1e-14; here Newton's steps are taken from glm's estimates until nothing changes.
# Rscript converged_glm.R DATA > converged_glm.json, with DATA the folder of $CONSILIUM_TEST_DATA.
suppressMessages(library(jsonlite))
data <- commandArgs(TRUE)[1]
at_the_maximum <- function(formula, data, family = binomial()) {
  m <- glm(formula, family, data, control = glm.control(epsilon = 1e-14, maxit = 100))
  x <- model.matrix(m); b <- coef(m)
  for (i in 1:6) {
    mu <- family$linkinv(as.vector(x %*% b))
    information <- crossprod(x, family$variance(mu) * x)
    b <- b + as.vector(solve(information, crossprod(x, m$y - mu), tol = 0))
  }
  v <- solve(information, tol = 0); se <- sqrt(diag(v)); z <- b / se
  list(coef = data.frame(term = names(b), Estimate = b, Std_Error = se, z_value = z, Pr_z_ = 2 * pnorm(-abs(z)), row.names = NULL),
       vcov = unname(v), conf_low_wald = unname(b - qnorm(.975) * se), conf_high_wald = unname(b + qnorm(.975) * se))
}
sites <- c("cleveland", "hungarian", "switzerland", "va")
d <- read.csv(file.path(data, "heart_disease/csv/heart_pooled.csv")); d$y <- as.integer(d$num > 0); d$site <- factor(d$site, sites)
f <- read.csv(file.path(data, "heart_disease/csv/heart_flamby740.csv")); f$site <- factor(f$site, sites)
x13 <- c("age","sex","trestbps","chol","fbs","thalach","exang","oldpeak","cp_2","cp_3","cp_4","restecg_1","restecg_2")
fm13 <- reformulate(x13, "y"); fm5 <- y ~ age + sex + thalach + exang + oldpeak
cc5 <- d[complete.cases(d[, c("age","sex","thalach","exang","oldpeak")]), ]
r <- read.csv(file.path(data, "multisite/csv/indo_rct.csv"))
alone <- lapply(split(cc5, cc5$site)[c("cleveland", "hungarian", "va")], function(g) at_the_maximum(fm5, g))
wide <- function(field) sapply(alone, function(fit) fit$coef[[field]])
b <- wide("Estimate"); w <- 1 / wide("Std_Error")^2; mean <- rowSums(w * b) / rowSums(w); q <- rowSums(w * (b - mean)^2)
out <- list(
  logistic_flamby13_all740 = at_the_maximum(fm13, f),
  logistic_flamby13_train486 = at_the_maximum(fm13, f[f$split == "train", ]),
  logistic_flamby13_all740_site_intercepts = at_the_maximum(update(fm13, . ~ . + site), f),
  logistic_basic5_pooled = at_the_maximum(fm5, cc5),
  logistic_basic5_pooled_site_intercepts = at_the_maximum(update(fm5, . ~ . + site), cc5),
  logistic_basic5_cleveland = alone$cleveland, logistic_basic5_hungarian = alone$hungarian, logistic_basic5_va = alone$va,
  logistic_basic5_fixed_effect_meta_3sites = data.frame(term = alone$va$coef$term, estimate = mean, se = 1 / sqrt(rowSums(w)), Q = q, I2 = pmax(0, 1 - 2 / q)),
  poisson_num_pooled = at_the_maximum(num ~ age + sex + thalach + exang + oldpeak, cc5, poisson())["coef"],
  indo_rct_logistic = at_the_maximum(pancreatitis ~ rx_indomethacin + risk + age + male, r))
cat(toJSON(out, digits = I(16), auto_unbox = TRUE), "\n")
