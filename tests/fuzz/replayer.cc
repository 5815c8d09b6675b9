// Runs a fuzz target without libFuzzer: every file of a corpus folder, then deterministic mutations
// of them. usage: TARGET CORPUS [MUTATIONS [SEED]]. With UPDATE_GOLDEN=1 the corpus is written
// first.
//
// Memory is bounded: an input that makes the target hold more than 64 MiB at once stops the
// process.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <string>

#include "common/random.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

constexpr std::size_t kMostMemory = 64 << 20;
constexpr std::size_t kPrefix = alignof(std::max_align_t);
std::atomic<std::size_t> held{0};

void* Allocate(std::size_t size) {
  if (held.fetch_add(size) + size > kMostMemory) {
    std::fputs("the target holds more than 64 MiB\n", stderr);
    std::abort();
  }
  auto* block = static_cast<std::byte*>(std::malloc(size + kPrefix));
  if (block == nullptr) throw std::bad_alloc();
  *reinterpret_cast<std::size_t*>(block) = size;
  return block + kPrefix;
}

void Release(void* pointer) noexcept {
  if (pointer == nullptr) return;
  auto* block = static_cast<std::byte*>(pointer) - kPrefix;
  held.fetch_sub(*reinterpret_cast<std::size_t*>(block));
  std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void operator delete(void* pointer) noexcept { Release(pointer); }
void operator delete[](void* pointer) noexcept { Release(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { Release(pointer); }
void operator delete[](void* pointer, std::size_t) noexcept { Release(pointer); }

namespace consilium {
namespace {

std::vector<Bytes> ReadCorpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const std::filesystem::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    corpus.push_back(ToBytes(text));
  }
  return corpus;
}

void WriteCorpus(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  // What fuzzing found has other names, and stays.
  std::vector<std::filesystem::path> before;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("seed-")) before.push_back(entry.path());
  }
  for (const std::filesystem::path& seed : before) std::filesystem::remove(seed);
  int number = 100;
  for (const Bytes& seed : FuzzSeeds()) {
    std::ofstream file(folder / ("seed-" + std::to_string(number++)), std::ios::binary);
    file << AsText(seed);
  }
}

/// Numbers that lengths and counts go wrong at.
constexpr std::uint32_t kAwkward[] = {0,   1,      127,    128,    129,        255,
                                      256, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0xffffffff};

void MutateOnce(Bytes& bytes, const std::vector<Bytes>& corpus, RandomSource& random) {
  const auto position = [&] { return static_cast<std::ptrdiff_t>(random.Below(bytes.size())); };
  if (bytes.empty()) {
    bytes.push_back(std::byte{0});
    return;
  }
  switch (random.Below(6)) {
    case 0:
      bytes[random.Below(bytes.size())] ^= static_cast<std::byte>(1u << random.Below(8));
      return;
    case 1:
      bytes[random.Below(bytes.size())] = static_cast<std::byte>(random.Below(256));
      return;
    case 2:
      bytes.resize(random.Below(bytes.size()));
      return;
    case 3:
      if (bytes.size() >= 4) {
        StoreU32(MutableByteSpan(bytes).subspan(random.Below(bytes.size() - 3), 4),
                 kAwkward[random.Below(std::size(kAwkward))]);
      }
      return;
    case 4:
      bytes.insert(bytes.begin() + position(), static_cast<std::byte>(random.Below(256)));
      return;
    default: {
      const Bytes& other = corpus[random.Below(corpus.size())];
      if (other.empty()) return;
      const std::size_t from = random.Below(other.size());
      bytes.resize(random.Below(bytes.size()));
      bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
    }
  }
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: TARGET CORPUS [MUTATIONS [SEED]]\n", stderr);
    return 2;
  }
  if (std::getenv("UPDATE_GOLDEN") != nullptr) WriteCorpus(argv[1]);
  const std::vector<Bytes> corpus = ReadCorpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no inputs\n", argv[1]);
    return 1;
  }
  for (const Bytes& input : corpus) FuzzOne(input);
  const std::uint64_t mutations = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100'000;
  const std::uint64_t seed = argc > 3 ? std::strtoull(argv[3], nullptr, 10) : 1;
  SeededRandom random(seed);
  for (std::uint64_t i = 0; i < mutations; ++i) {
    Bytes input = corpus[random.Below(corpus.size())];
    for (std::uint64_t k = 1 + random.Below(4); k > 0; --k) MutateOnce(input, corpus, random);
    FuzzOne(input);
  }
  std::printf("%zu inputs and %llu mutations of them, seed %llu\n", corpus.size(),
              static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace
}  // namespace consilium

int main(int argc, char** argv) { return consilium::Main(argc, argv); }
