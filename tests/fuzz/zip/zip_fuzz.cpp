// Any bytes as a zip archive: opening and reading never crash, members lie inside the file and apart from each other, and
// content is the same in one piece and in many.
#include "plugins/common/zip/archive.hpp"
#include "plugins/common/zip/content.hpp"
#include "tests/unit/zip/build_zip.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using heirloom::test::Bytes;
namespace zip = heirloom::zip;

Bytes seed_archive(unsigned seed) {
  heirloom::test::ZipSpec spec = heirloom::test::small_zip();
  spec.has_zip64_end = seed % 3 == 0;
  spec.members[0].is_zip64 = seed % 5 == 0;
  return heirloom::test::build_zip(spec).bytes;
}

void check_content(const zip::Archive& archive, const zip::Member& member) {
  constexpr std::uint64_t limit = 1u << 20;
  const auto whole = archive.read(member, limit);
  if (!whole)
    return;
  const zip::Content content(archive, member);
  Bytes pieces(whole->size());
  for (std::size_t at = 0; at < pieces.size(); at += 777)
    if (!content.read(at, std::span(pieces).subspan(at, std::min<std::size_t>(777, pieces.size() - at))))
      std::abort();
  if (pieces != *whole)
    std::abort();
}

}  // namespace

// Starts from whole archives, since noise rarely gets past the end record.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 22) {
    const Bytes whole = seed_archive(seed);
    if (whole.size() <= max_size) {
      std::copy(whole.begin(), whole.end(), data);
      size = whole.size();
    }
  }
  return LLVMFuzzerMutate(data, size, max_size);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const heirloom::test::MemoryHost host({{"a.zip", Bytes(data, data + size)}});
  const auto archive = zip::Archive::open(host.files(), "a.zip");
  if (!archive) {
    if (archive.error().position != heirloom::no_position && archive.error().position > size)
      std::abort();
    return 0;
  }
  for (const zip::Member& member : archive->members()) {
    if (member.offset > size || member.stored_size > size - member.offset || archive->find(member.name) != &member)
      std::abort();
    check_content(*archive, member);
  }
  return 0;
}
