#include "engine/model/remarks.hpp"

#include "engine/base/text.hpp"
#include "engine/model/ranges.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace heirloom::model {

std::string describe(const Finding& finding) {
  std::string text = base::quoted(finding.what) + " (" + base::printable(finding.kind) + ")";
  if (!finding.file.empty())
    text += " at byte " + std::to_string(finding.position) + " of " + base::quoted(finding.file);
  return finding.note.empty() ? text : text + ": " + base::printable(finding.note);
}

std::vector<LeftOutGroup> left_out_by_reason(const Checkpoint& checkpoint) {
  std::vector<LeftOutGroup> groups;
  std::map<std::string_view, std::size_t> group_of;
  for (const LeftOut& left : checkpoint.left_out) {
    const auto [found, is_new] = group_of.emplace(left.reason, groups.size());
    if (is_new)
      groups.push_back({left.reason, left.name, 0});
    ++groups[found->second].count;
  }
  return groups;
}

std::string describe(const LeftOutGroup& group) {
  const std::string which = group.count == 1 ? "tensor " + base::quoted(group.first) + " is left out: "
                                             : std::to_string(group.count) + " tensors are left out, " +
                                                   base::quoted(group.first) + " and others: ";
  return which + base::printable(group.reason);
}

std::uint64_t count_sharing(const Checkpoint& checkpoint) {
  if (!checkpoint.shared_extents)
    return 0;
  std::vector<Range> ranges;
  for (std::uint32_t i = 0; i < checkpoint.tensors.size(); ++i)
    for (const Extent& extent : checkpoint.tensors[i].extents)
      if (extent.size != 0)
        ranges.push_back({extent.file, extent.offset, extent.size, i});
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return std::tuple(a.file, a.offset, a.owner) < std::tuple(b.file, b.offset, b.owner);
  });
  std::set<std::uint32_t> sharing;
  // `last`: the range before that reaches furthest; whatever overlaps with one of them overlaps with it.
  for (std::size_t i = 1, last = 0; i < ranges.size(); ++i) {
    const Range& before = ranges[last];
    const Range& range = ranges[i];
    const bool is_apart = before.file != range.file || range.offset >= before.offset + before.size;
    if (!is_apart && before.owner != range.owner)
      sharing.insert({before.owner, range.owner});
    if (is_apart || range.offset + range.size > before.offset + before.size)
      last = i;
  }
  return sharing.size();
}

}  // namespace heirloom::model
