#include "engine/record/gguf_hash.hpp"

#include "engine/base/arena.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <optional>

namespace heirloom::record {
namespace {

constexpr std::uint64_t piece_bytes = 128u << 10;
// gguf-hash's namespace of UUIDs of version 5.
constexpr std::array<std::uint8_t, 16> uuid_namespace = {0xef, 0x00, 0x12, 0x06, 0xda, 0xdc, 0x5f, 0x6d,
                                                         0xa1, 0x5f, 0x33, 0x59, 0xe5, 0x77, 0xd4, 0xe5};

std::string uuid_of(base::Sha1Digest digest) {
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x50);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  std::string text = base::to_hex(std::span(digest).first(16));
  for (const std::size_t at : {8u, 13u, 18u, 23u})
    text.insert(at, 1, '-');
  return text;
}

// All tensors in order, piece by piece; `end` after each.
Result<void> read_all(const model::Source& source, const base::Log& log, const std::function<void(std::span<const std::uint8_t>)>& add,
                      const std::function<void()>& end) {
  std::vector<std::uint8_t> buffer(piece_bytes);
  const auto& tensors = source.checkpoint.tensors;
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    const std::uint64_t size = model::tensor_bytes(source.checkpoint, tensors[i]);
    for (std::uint64_t at = 0; at < size; at += piece_bytes) {
      if (log.cancelled())
        return fail(Code::cancelled, "stopped by the user");
      const auto piece = std::span(buffer).first(std::min(piece_bytes, size - at));
      HEIRLOOM_CHECK(source.read(i, at, piece));
      add(piece);
    }
    end();
  }
  return {};
}

}  // namespace

Result<GgufHash> gguf_hash(const model::Source& source, std::size_t threads, const base::Log& log) {
  if (source.checkpoint.format != "gguf" || source.checkpoint.files.size() != 1)
    return fail(Error{Code::misuse, "--gguf-hash is for a GGUF in one file", no_position, source.files->display(source.files->primary())});
  GgufHash made;
  base::Sha256 sha256;
  base::Sha1 sha1, named, tensor;
  named.update(uuid_namespace);
  using Bytes = std::span<const std::uint8_t>;
  // A running hash is one thread's work; each reads the file for itself, from the cache of the system all but once.
  const std::array<std::function<Result<void>()>, 4> passes = {
      [&] { return read_all(source, log, [&](Bytes bytes) { sha256.update(bytes); }, [] {}); },
      [&] { return read_all(source, log, [&](Bytes bytes) { sha1.update(bytes); }, [] {}); },
      [&] { return read_all(source, log, [&](Bytes bytes) { named.update(bytes); }, [] {}); },
      [&] {
        return read_all(source, log, [&](Bytes bytes) { tensor.update(bytes); },
                        [&] {
                          made.tensor_sha1.push_back(tensor.finish());
                          tensor = base::Sha1();
                        });
      }};
  std::array<Result<void>, passes.size()> done;
  std::atomic<std::size_t> next{0};
  base::run_workers(std::min(threads == 0 ? base::default_threads() : threads, passes.size()), [&](std::size_t) {
    for (std::size_t i = next++; i < passes.size(); i = next++)
      done[i] = passes[i]();
  });
  for (Result<void>& one : done)
    HEIRLOOM_CHECK(std::move(one));
  made.sha256 = sha256.finish();
  made.sha1 = sha1.finish();
  made.uuid = uuid_of(named.finish());
  return made;
}

}  // namespace heirloom::record
