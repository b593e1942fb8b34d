// Names of a native layout: prefixes and ranks taken off, and the pieces that ranks have put together.
#include "engine/arch/config.hpp"
#include "engine/arch/native_layout.hpp"
#include "engine/arch/pattern.hpp"
#include "engine/arch/shape.hpp"
#include "engine/base/text.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

namespace heirloom::arch {
namespace {

using model::Json;

constexpr std::uint64_t max_ranks = 4096;
constexpr std::string_view rank_mark = "{rank}";

struct Name {
  std::uint64_t rank = 0;
  bool has_rank = false;
  std::string_view rest;
};

Name split_name(const fb::NativeLayoutT& layout, std::string_view prefix, std::string_view name) {
  if (name.starts_with(prefix))
    name.remove_prefix(prefix.size());
  const std::string_view pattern = layout.rank_prefix;
  const std::size_t mark = pattern.find(rank_mark);
  if (mark == pattern.npos || !name.starts_with(pattern.substr(0, mark)))
    return {0, false, name};
  const std::string_view digits = name.substr(mark);
  const std::string_view after = pattern.substr(mark + rank_mark.size());
  std::uint64_t rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  const std::string_view rest = digits.substr(static_cast<std::size_t>(end - digits.data()));
  if (error != std::errc() || !rest.starts_with(after))
    return {0, false, name};
  return {rank, true, rest.substr(after.size())};
}

// The prefix with which all marks are there; nothing when there is none.
std::optional<std::string> find_prefix(const fb::NativeLayoutT& layout, const Checkpoint& checkpoint) {
  std::vector<std::string> prefixes = {""};
  prefixes.insert(prefixes.end(), layout.prefixes.begin(), layout.prefixes.end());
  for (const std::string& prefix : prefixes) {
    std::set<std::string_view> found;
    for (const Tensor& tensor : checkpoint.tensors)
      found.insert(split_name(layout, prefix, tensor.name).rest);
    if (std::all_of(layout.marks.begin(), layout.marks.end(), [&](const std::string& mark) { return found.contains(mark); }))
      return prefix;
  }
  return std::nullopt;
}

// One tensor of the layout: its pieces by rank.
struct Pieces {
  std::string name;
  std::map<std::uint64_t, std::uint32_t> of_rank;
};

bool fits(const fb::CutT& cut, std::string_view name) {
  return std::any_of(cut.native.begin(), cut.native.end(),
                     [&](const std::string& pattern) { return match(pattern, name).has_value(); });
}

// The sum of the pieces' sizes along an axis; 0 where one has no such axis.
std::uint64_t total_along(const Checkpoint& checkpoint, const Pieces& pieces, std::size_t axis) {
  std::uint64_t total = 0;
  for (const auto& [rank, index] : pieces.of_rank) {
    const auto& shape = checkpoint.tensors[index].shape;
    if (axis >= shape.size() || shape[axis] > (UINT64_MAX >> 16))
      return 0;
    total += shape[axis];
  }
  return total;
}

// How the tensor is cut; null for one that every rank has whole.
Result<const fb::CutT*> cut_of(const fb::NativeLayoutT& layout, const Checkpoint& checkpoint, const Pieces& pieces,
                               const Json& configuration) {
  bool is_cut = false;
  for (const auto& cut : layout.cuts) {
    if (!fits(*cut, pieces.name))
      continue;
    is_cut = true;
    if (cut->total.empty())
      return cut.get();
    HEIRLOOM_TRY(const std::uint64_t total, number_of(configuration, cut->total));
    if (total_along(checkpoint, pieces, cut->axis) == total)
      return cut.get();
  }
  if (is_cut)
    return fail(Error{Code::malformed, "the pieces of the ranks add up to nothing that " + layout.config_file + " says", no_position, "",
                      pieces.name});
  return static_cast<const fb::CutT*>(nullptr);
}

Result<Arrangement> put_together(const Checkpoint& checkpoint, const Pieces& pieces, const fb::CutT& cut) {
  std::vector<Arrangement> parts;
  for (const auto& [rank, index] : pieces.of_rank)
    parts.push_back(whole(index, checkpoint.tensors[index].shape));
  auto made = concat(parts, cut.axis);
  if (!made)
    return fail(Error{Code::malformed, "the pieces of the ranks do not fit together along axis " + std::to_string(cut.axis) + ": " +
                                           made.error().message, no_position, "", pieces.name});
  made->words.push_back("concat(" + std::to_string(parts.size()) + " ranks along axis " + std::to_string(cut.axis) + ")");
  return made;
}

Result<void> add(const NativeLayout& layout, const Checkpoint& checkpoint, const Pieces& pieces, const Json& configuration,
                 NativeTensors& out) {
  const std::uint32_t first = pieces.of_rank.begin()->second;
  const Tensor& sample = checkpoint.tensors[first];
  Arrangement arrangement = whole(first, sample.shape);
  if (out.ranks > 1) {
    for (std::uint64_t rank = 0; rank < out.ranks; ++rank)
      if (!pieces.of_rank.contains(rank))
        return fail(Error{Code::malformed, "rank " + std::to_string(rank) + " of " + std::to_string(out.ranks) + " lacks this tensor",
                          no_position, "", pieces.name});
    HEIRLOOM_TRY(const fb::CutT* cut, cut_of(layout.data, checkpoint, pieces, configuration));
    if (cut != nullptr) {
      HEIRLOOM_TRY(arrangement, put_together(checkpoint, pieces, *cut));
    } else {
      std::vector<std::uint32_t> copies;
      for (const auto& [rank, index] : pieces.of_rank) {
        if (checkpoint.tensors[index].shape != sample.shape || checkpoint.tensors[index].encoding != sample.encoding)
          return fail(Error{Code::malformed, "rank " + std::to_string(rank) + " has it in another shape or encoding than rank 0",
                            no_position, "", pieces.name});
        copies.push_back(index);
        if (rank != 0)
          out.dropped.push_back({index, "rank 0 has the same"});
      }
      out.copies.push_back(std::move(copies));
    }
  }
  out.checkpoint.tensors.push_back({pieces.name, sample.encoding, arrangement.shape});
  out.arrangements.push_back(std::move(arrangement));
  return {};
}

bool is_same_bytes(const Tensor& a, const Tensor& b) {
  return !a.decoded && !b.decoded && !a.extents.empty() && a.extents == b.extents && a.encoding == b.encoding && a.shape == b.shape &&
         a.big_endian == b.big_endian;
}

// Takes out what is the same bytes as another tensor.
void drop_ties(const NativeLayout& layout, const Checkpoint& checkpoint, std::vector<Pieces>& all, NativeTensors& out) {
  const auto named = [&](const std::string& name) {
    return std::find_if(all.begin(), all.end(), [&](const Pieces& pieces) { return pieces.name == name; });
  };
  for (const auto& tie : layout.data.ties) {
    const auto tensor = named(tie->native), other = named(tie->same_as);
    if (other == all.end())
      continue;
    if (tensor == all.end()) {
      out.is_tied = true;
      continue;
    }
    const bool is_tie = std::all_of(tensor->of_rank.begin(), tensor->of_rank.end(), [&](const auto& piece) {
      const auto twin = other->of_rank.find(piece.first);
      return twin != other->of_rank.end() && is_same_bytes(checkpoint.tensors[piece.second], checkpoint.tensors[twin->second]);
    });
    if (!is_tie)
      continue;
    out.is_tied = true;
    for (const auto& [rank, index] : tensor->of_rank)
      out.dropped.push_back({index, "the same bytes as " + base::quoted(tie->same_as)});
    all.erase(tensor);
  }
}

}  // namespace

LayoutVerdict judge(const NativeLayout& layout, const Checkpoint& checkpoint, const Json& configuration) {
  const std::string& file = layout.data.config_file;
  if (configuration.object() == nullptr)
    return {false, "there is no " + file};
  for (const auto& condition : layout.data.when)
    if (!holds(condition.get(), configuration))
      return {false, file + " does not have the " + base::quoted(condition->key) + " of this layout"};
  if (!find_prefix(layout.data, checkpoint))
    return {false, "the tensors are not called so, as " + base::quoted(layout.data.marks.front())};
  return {true, file + " and the tensors' names are of this layout"};
}

Result<NativeTensors> join_ranks(const NativeLayout& layout, const Checkpoint& checkpoint, const Json& configuration) {
  const std::string prefix = find_prefix(layout.data, checkpoint).value_or("");
  NativeTensors out;
  out.checkpoint.format = checkpoint.format;
  out.checkpoint.encodings = checkpoint.encodings;
  std::vector<Pieces> all;
  std::map<std::string_view, std::size_t> index_of;
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i) {
    const Tensor& tensor = checkpoint.tensors[i];
    const Name name = split_name(layout.data, prefix, tensor.name);
    if (name.rank >= max_ranks)
      return fail(Error{Code::limit, "rank " + std::to_string(name.rank) + " is beyond the " + std::to_string(max_ranks) +
                                         " that are taken", no_position, "", tensor.name});
    out.ranks = std::max(out.ranks, name.rank + 1);
    const auto [found, is_new] = index_of.emplace(name.rest, all.size());
    if (is_new)
      all.push_back({std::string(name.rest), {}});
    if (!all[found->second].of_rank.emplace(name.rank, i).second)
      return fail(Error{Code::malformed, "two tensors are " + base::quoted(name.rest), no_position, "", tensor.name});
  }
  drop_ties(layout, checkpoint, all, out);
  for (const Pieces& pieces : all)
    HEIRLOOM_CHECK(add(layout, checkpoint, pieces, configuration, out));
  return out;
}

}  // namespace heirloom::arch
