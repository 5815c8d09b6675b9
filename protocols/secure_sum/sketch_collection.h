#pragma once

// The coordinator's part in checking norms: what it asks, and what it makes of the answers.

#include <map>
#include <optional>
#include <vector>

#include "common/fixed_point.h"
#include "protocols/messages.h"
#include "protocols/reasons.h"
#include "protocols/secure_sum/sketch.h"

namespace consilium {

class SketchCollection {
 public:
  /// Once all headers that are waited for are there.
  SketchCollection(NormCheck check,
                   SketchRequest request,
                   const Digest& context,
                   const Digest& delivery_root);

  const SketchRequest& request() const { return request_; }
  const Digest& seed() const { return seed_; }

  /// A reason means that the site is out, but for kWrongPhase, the same sketch again.
  std::optional<DropReason> Take(SiteId site, const Sketch& sketch);
  bool Has(SiteId site) const { return sketches_.contains(site); }

  /// Whether these sites' sketches add up to the sketch of their sum. If they do not, at least one
  /// of the sites gave the sketch of another vector than it put into the sum.
  bool AddUpTo(std::span<const std::uint64_t> sum, const std::vector<SiteId>& sites) const;

 private:
  NormCheck check_;
  SketchRequest request_;
  Digest seed_;
  std::map<SiteId, SketchNumbers> sketches_;
};

}  // namespace consilium
