#include "engine/run/source_parts.hpp"

#include <cstdint>

namespace heirloom::run {

// A part is taken when it goes on where the one before has ended; pieces are finished in any order, but begun in this one, so
// that nothing waits for what is begun later.
std::vector<std::vector<SourcePart>> ordered_parts(const model::Source& source, const Work& work) {
  const auto& tensors = source.checkpoint.tensors;
  std::vector<std::vector<SourcePart>> parts(tensors.size());
  std::vector<std::uint64_t> ends(tensors.size());
  for (std::size_t i = 0; i < work.pieces.size(); ++i) {
    const Piece& piece = work.pieces[i];
    for (const SourceRun& run : work.producers[piece.tensor]->source_runs(piece.first, piece.count)) {
      if (run.offset != ends[run.source])
        continue;
      ends[run.source] += run.size;
      parts[run.source].push_back({i, run});
    }
  }
  for (std::size_t i = 0; i < tensors.size(); ++i)
    if (ends[i] != model::tensor_bytes(source.checkpoint, tensors[i]))
      std::vector<SourcePart>().swap(parts[i]);
  return parts;
}

}  // namespace heirloom::run
