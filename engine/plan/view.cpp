#include "engine/plan/view.hpp"

#include "engine/base/text.hpp"
#include "engine/encoding/codec.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

// Encodings whose numbers f32 holds can be put together and changed.
Result<std::string> as_f32(const Checkpoint& source, const arch::Arrangement& arrangement) {
  const std::string& first = source.tensors[arrangement.sources.front()].encoding;
  for (const std::uint32_t index : arrangement.sources) {
    const Tensor& tensor = source.tensors[index];
    const encoding::Codec* codec = encoding::find_codec(tensor.encoding);
    if (codec == nullptr || codec->decode == nullptr || !codec->is_f32_exact)
      return fail(Error{Code::unsupported, "is stored as " + base::quoted(tensor.encoding) +
                                               (tensor.encoding == first && arrangement.sources.size() == 1
                                                    ? std::string(", which cannot be rearranged so")
                                                    : ", which cannot be put together with " + base::quoted(first)),
                        no_position, "", tensor.name});
  }
  return "f32";
}

}  // namespace

void drop_sources(const Checkpoint& source, const arch::Arrangement& arrangement, const std::string& reason, std::vector<Dropped>& dropped) {
  for (const std::uint32_t index : arrangement.sources) {
    const Tensor& tensor = source.tensors[index];
    const std::string file = tensor.extents.empty() ? "" : source.files[tensor.extents.front().file].name;
    dropped.push_back({tensor.name, tensor.encoding, tensor.shape, file, reason});
  }
}

Result<std::string> source_encoding(const Checkpoint& source, const arch::Arrangement& arrangement) {
  if (arrangement.sources.empty())
    return "f32";
  const std::string& first = source.tensors[arrangement.sources.front()].encoding;
  const bool is_one = std::all_of(arrangement.sources.begin(), arrangement.sources.end(),
                                  [&](std::uint32_t index) { return source.tensors[index].encoding == first; });
  const Encoding* block = source.find_encoding(first);
  if (is_one && arrangement.values.empty() && (block == nullptr || block->block_elements == 1 || arch::in_blocks(arrangement, block->block_elements)))
    return first;
  return as_f32(source, arrangement);
}

View identity_view(const model::Source& source, Package package) {
  View view{source.checkpoint, {}, std::move(package)};
  view.arrangements.reserve(source.checkpoint.tensors.size());
  for (std::uint32_t i = 0; i < source.checkpoint.tensors.size(); ++i)
    view.arrangements.push_back(arch::whole(i, source.checkpoint.tensors[i].shape));
  return view;
}

}  // namespace heirloom::plan
