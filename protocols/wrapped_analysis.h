#pragma once

// An analysis around another: what it does not say itself the other says.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocols/analysis.h"

namespace consilium {

class WrappedAnalysis : public Analysis {
 public:
  std::string_view kind() const override { return inner_->kind(); }
  std::vector<std::string> columns() const override { return inner_->columns(); }
  std::vector<std::string> columns_with_gaps() const override {
    return inner_->columns_with_gaps();
  }
  bool TellsPatientsApart() const override { return inner_->TellsPatientsApart(); }
  std::size_t outcomes() const override { return inner_->outcomes(); }
  std::size_t parameters() const override { return inner_->parameters(); }
  std::vector<Slice> DescribeForReview() const override { return inner_->DescribeForReview(); }
  std::uint32_t maximum_rounds() const override { return inner_->maximum_rounds(); }
  std::string InWords() const override { return inner_->InWords(); }
  std::string ReleasedInWords() const override { return inner_->ReleasedInWords(); }
  bool KeepsSitesApart() const override { return inner_->KeepsSitesApart(); }
  bool ShowsSingleSites() const override { return inner_->ShowsSingleSites(); }
  std::vector<std::string> NamedSites() const override { return inner_->NamedSites(); }
  bool GoesOnWithoutASite() const override { return inner_->GoesOnWithoutASite(); }
  /// Whoever wraps an analysis that may have one also says what it is WithTrainer.
  std::string_view trainer() const override { return inner_->trainer(); }
  bool KeepsMemory() const override { return inner_->KeepsMemory(); }
  bool HasState() const override { return inner_->HasState(); }

 protected:
  explicit WrappedAnalysis(std::shared_ptr<const Analysis> inner) : inner_(std::move(inner)) {}

  const Analysis& inner() const { return *inner_; }
  const std::shared_ptr<const Analysis>& shared_inner() const { return inner_; }

 private:
  const std::shared_ptr<const Analysis> inner_;
};

}  // namespace consilium
