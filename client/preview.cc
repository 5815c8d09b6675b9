#include "client/preview.h"

#include <algorithm>
#include <cstdio>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/fixed_point.h"
#include "common/terminal.h"

namespace consilium {
namespace {

std::string NumberText(const Slot& slot, double value) {
  char text[40];
  std::snprintf(text, sizeof text, slot.encoding == Encoding::kCount ? "%.0f" : "%.17g", value);
  return text;
}

std::string SliceText(const Slice& slice,
                      std::span<const double> values,
                      std::size_t most,
                      std::size_t width) {
  std::string text =
      "\n" + Wrapped(OneLine(slice.name + " [" + slice.shape + "]: " + slice.meaning), width, 4) +
      "\n";
  const std::size_t shown = std::min(most, values.size());
  for (std::size_t i = 0; i < shown; ++i) {
    char place[32];
    std::snprintf(place, sizeof place, "  %6zu  ", i + 1);
    text += place + NumberText(slice.slot, values[i]) + "\n";
  }
  if (shown < values.size()) {
    text += "          and " + std::to_string(values.size() - shown) + " more\n";
  }
  return text;
}

}  // namespace

Result<Preview> MakePreview(const Plan& plan,
                            const ComputeAnswer& question,
                            const Cohort& cohort,
                            std::uint32_t sites) {
  if (!plan.analysis->trainer().empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "a program of this site, \"" + std::string(plan.analysis->trainer()) +
                    "\", computes what leaves; it is not run for a preview",
                "Run it by hand on data of your own making.");
  }
  Preview preview;
  preview.round = question.round;
  preview.patients = cohort.patients;
  preview.rows = static_cast<std::uint64_t>(cohort.values.rows());
  preview.gets_noise = plan.analysis->privacy_loss_of_a_round() > 0;
  TRY(preview.slices, plan.analysis->Describe(question.query));
  TRY(const StatefulAnswer answer, plan.analysis->Answer(question.query, cohort, question.state));
  // What is rounded away on the way does not leave.
  const std::vector<Slot> slots = SlotsOf(preview.slices);
  TRY(const RingVector words, EncodeFixedPoint(answer.contribution.values, slots, sites));
  TRY(preview.values, DecodeFixedPoint(words, slots, sites));
  return preview;
}

std::string PreviewPage(const Preview& preview, std::size_t most, std::size_t width) {
  std::string page =
      Wrapped("Round " + std::to_string(preview.round.value()) + ": " +
                  std::to_string(preview.values.size()) +
                  " numbers would leave this site, masked, so that nobody sees them but in a sum "
                  "with other sites' numbers. Before masking they are as follows, from " +
                  std::to_string(preview.patients) + " patients in " +
                  std::to_string(preview.rows) + " rows.",
              width, 0) +
      "\n";
  if (preview.gets_noise) {
    page += Wrapped("To each of them this site would add noise, drawn anew for each answer.", width,
                    0) +
            "\n";
  }
  std::size_t at = 0;
  for (const Slice& slice : preview.slices) {
    page += SliceText(slice, std::span(preview.values).subspan(at, slice.slot.count), most, width);
    at += slice.slot.count;
  }
  return page;
}

nlohmann::ordered_json PreviewJson(const Preview& preview) {
  nlohmann::ordered_json json{{"round", preview.round.value()},
                              {"patients", preview.patients},
                              {"rows", preview.rows},
                              {"gets_noise", preview.gets_noise},
                              {"slices", nlohmann::ordered_json::array()}};
  std::size_t at = 0;
  for (const Slice& slice : preview.slices) {
    const auto first = preview.values.begin() + static_cast<std::ptrdiff_t>(at);
    at += slice.slot.count;
    json["slices"].push_back(
        {{"name", slice.name},
         {"shape", slice.shape},
         {"meaning", slice.meaning},
         {"values",
          std::vector<double>(first, first + static_cast<std::ptrdiff_t>(slice.slot.count))}});
  }
  return json;
}

}  // namespace consilium
