// Asking a writer for its layout, and for what it adds at the end.
#include "engine/base/text.hpp"
#include "engine/host/host_library.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>

namespace heirloom::host {
namespace {

// What a writer is told of a checkpoint.
Checkpoint description_of(const Checkpoint& checkpoint) {
  Checkpoint description = checkpoint;
  description.files.clear();
  for (Tensor& tensor : description.tensors)
    tensor.extents.clear();
  return description;
}

Error wrong(const Plugin& plugin, Error error) {
  error.message = "the layout is wrong: " + error.message;
  return blame(plugin, std::move(error));
}

}  // namespace

Result<Layout> Host::plan_layout(std::string_view format, const Checkpoint& checkpoint, const Options& options,
                                 const base::Log& log) const {
  HEIRLOOM_TRY(const auto found, require_format(format));
  const auto& [library, index] = found;
  const Format& wanted = library->format(index);
  if (!wanted.writes)
    return fail(Code::misuse, "format " + base::quoted(format) + " cannot be written");
  HEIRLOOM_CHECK(check_options(wanted, wanted.write_options, options));
  const Checkpoint description = description_of(checkpoint);
  HEIRLOOM_TRY(const auto planned, PlannedLayout::plan(library->plugin, index, description, options, log));
  HEIRLOOM_TRY(Layout layout, planned->layout());
  if (auto is_good = model::validate(layout, description); !is_good)
    return fail(wrong(library->plugin, std::move(is_good).error()));
  if (!layout.checksum.empty() && library->plugin.finish == nullptr)
    return fail(wrong(library->plugin, {Code::internal, "it names a checksum, but the plugin has no " HEIRLOOM_FINISH_1}));
  return layout;
}

// A plan is data and outlives the plugin's own layout, so that is planned again: the same question has the same answer.
Result<std::vector<Literal>> Host::finish_layout(std::string_view format, const Checkpoint& checkpoint,
                                                 const Options& options, const Layout& layout,
                                                 std::span<const std::uint64_t> checksums, const base::Log& log) const {
  HEIRLOOM_TRY(const auto found, require_format(format));
  const auto& [library, index] = found;
  const Checkpoint description = description_of(checkpoint);
  HEIRLOOM_TRY(const auto planned, PlannedLayout::plan(library->plugin, index, description, options, log));
  HEIRLOOM_TRY(const Layout again, planned->layout());
  if (encode(again) != encode(layout))
    return fail(wrong(library->plugin, {Code::internal, "planned twice, it differs"}));
  HEIRLOOM_TRY(std::vector<Literal> literals, planned->finish(checksums));
  Layout whole = layout;
  whole.literals.insert(whole.literals.end(), literals.begin(), literals.end());
  if (auto is_good = model::validate(whole, description); !is_good)
    return fail(wrong(library->plugin, std::move(is_good).error()));
  return literals;
}

}  // namespace heirloom::host
