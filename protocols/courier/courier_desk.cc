#include "protocols/courier/courier_desk.h"

#include <algorithm>
#include <utility>

namespace consilium {
namespace {

Courier::Start Begin(RandomSource& random, UtcSeconds now) {
  Courier::Start start;
  random.Fill(start.id);
  start.at = now;
  return start;
}

}  // namespace

CourierDesk::CourierDesk(Courier::Side side,
                         const CourierKeys& keys,
                         RandomSource& random,
                         UtcSeconds start)
    : keys_(keys), random_(random), courier_(side, Begin(random, start)) {}

void CourierDesk::BeginAnew(UtcSeconds start) { courier_.BeginAnew(Begin(random_, start)); }

Result<Bytes> CourierDesk::WriteFile() const {
  return WriteCourierFile(courier_.Write(), keys_, random_);
}

Result<Courier::Taken> CourierDesk::TakeFile(ByteSpan file, UtcSeconds now) {
  TRY(Letter letter, ReadCourierFile(file, keys_));
  return courier_.Take(std::move(letter), Begin(random_, now));
}

std::string CourierFileName(std::string_view direction, std::string_view site, UtcSeconds now) {
  std::string time = ToText(now);
  const auto separates = [](char c) { return c == '-' || c == ':'; };
  time.erase(std::remove_if(time.begin(), time.end(), separates), time.end());
  return std::string(direction) + "-" + std::string(site) + "-" + time +
         std::string(kCourierFileEnding);
}

}  // namespace consilium
