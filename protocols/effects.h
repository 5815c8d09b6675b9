#pragma once

// What a state machine asks of its host, in order. A Persist is durable before any later effect of
// the same list is carried out; if it fails, the later ones are discarded and the machine is built
// anew from what is stored.

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/ids.h"
#include "common/log.h"
#include "common/shared_bytes.h"
#include "common/storage.h"
#include "protocols/federation.h"

namespace consilium {

struct Persist {
  RecordBatch changes;
};

struct SendToSite {
  SiteId site;
  SharedBytes message;
};

struct SendToCoordinator {
  Bytes message;
};

/// Close the connections of a site that may no longer speak.
struct CutOff {
  SiteId site;
};

/// Load the study's cohort and compute the contribution; hand it back through OnAnswer.
struct ComputeAnswer {
  StudyId study;
  RoundNumber round;
  AttemptNumber attempt;
  Query query;
  Bytes state = {};  ///< The analysis's at this site, as of the last closed round with the site.
};

/// For the log. Words and numbers only: whatever goes in here may be read by anybody.
struct Note {
  LogLevel level = LogLevel::kInfo;
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;
};

using CoordinatorEffect = std::variant<Persist, SendToSite, CutOff, Note>;
using CoordinatorEffects = std::vector<CoordinatorEffect>;
using SiteEffect = std::variant<Persist, SendToCoordinator, ComputeAnswer, Note>;
using SiteEffects = std::vector<SiteEffect>;

}  // namespace consilium
