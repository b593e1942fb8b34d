// What is written: the description of the output, the writer's options, and its layout.
#include "engine/base/text.hpp"
#include "engine/host/option_text.hpp"
#include "engine/plan/attr_text.hpp"
#include "engine/plan/native.hpp"
#include "engine/plan/planner_parts.hpp"
#include "engine/plan/texts.hpp"
#include "engine/provenance/identity.hpp"
#include "engine/provenance/names.hpp"
#include "heirloom/encodings.hpp"

#include <algorithm>

namespace heirloom::plan {
namespace {

// Parts of blocks that stand in tensors of their own (engine/encoding/repack.hpp).
constexpr WellKnownEncoding apart_encodings[] = {{"mxfp4_blocks", 32, 16}, {"mxfp4_scales", 32, 1}};

const WellKnownEncoding* find_apart_encoding(std::string_view id) {
  for (const WellKnownEncoding& encoding : apart_encodings)
    if (encoding.id == id)
      return &encoding;
  return nullptr;
}

// A tensor as the writer sees it: blocks and scales that stand in tensors of their own are bytes.
Tensor described(const PlanTensor& tensor) {
  const WellKnownEncoding* row = find_apart_encoding(tensor.encoding);
  if (row == nullptr)
    return {tensor.name, tensor.encoding, tensor.shape};
  Tensor bytes{tensor.name, "u8", tensor.shape};
  bytes.shape.back() /= row->block_elements;
  if (row->block_bytes != 1)
    bytes.shape.push_back(row->block_bytes);
  return bytes;
}

const WellKnownEncoding* find_written_encoding(std::string_view id) {
  const WellKnownEncoding* apart = find_apart_encoding(id);
  return apart != nullptr ? apart : find_well_known_encoding(id);
}

Result<Options> writer_options(const Request& request) {
  Options options;
  if (const Format* format = request.host->find_format(request.target_format)) {
    HEIRLOOM_TRY(options, host::parse_options(*format, format->write_options, request.target_options, host::Unknown::refuse));
  }
  std::string name = request.target_name;
  if (!request.native_layout.empty()) {
    const Format* format = request.host->find_format(request.target_format);
    HEIRLOOM_TRY(name, native_file(request.native_layout, *format));
    // What reads these layouts wants one file.
    if (request.max_shard_size == 0 && find_attr(options, "max_shard_size") == nullptr &&
        host::declares(format->write_options, "max_shard_size"))
      options.push_back(Attr::scalar("max_shard_size", std::uint64_t{0}));
  }
  if (!name.empty())
    options.push_back(Attr::text(std::string(host::target_name_option), name));
  if (request.max_shard_size == 0)
    return options;
  if (find_attr(options, "max_shard_size") != nullptr)
    return fail(Code::misuse, "--max-shard-size and --target-option max_shard_size are the same; give one");
  options.push_back(Attr::scalar("max_shard_size", request.max_shard_size));
  return options;
}

// Room that a header has is its own.
void drop_reserve(Plan& plan) {
  std::erase_if(plan.target.attrs, [](const Attr& attr) { return attr.key == provenance::reserve_key; });
  for (Disposition& disposition : plan.dispositions)
    if (disposition.item.ends_with(":" + std::string(provenance::reserve_key)))
      disposition = {disposition.item, Fate::dropped, "", "room in the source's header"};
}

// A format without a place for metadata holds none of what would be carried. What safetensors says of itself is no loss.
void drop_attrs(const Format& target, Plan& plan) {
  for (const Attr& attr : plan.target.attrs) {
    const auto is_of = [&](const Disposition& known) {
      return known.fate == Fate::carried && known.item.ends_with(":" + attr.key);
    };
    auto found = std::find_if(plan.dispositions.begin(), plan.dispositions.end(), is_of);
    if (found == plan.dispositions.end())
      continue;  // made on the way
    const bool is_own = provenance::is_record_key(attr.key) || attr.key == source_name_key || attr.key == attr_types_key;
    *found = {found->item, Fate::dropped, "", target.id + " holds no metadata",
              !is_own && (plan.source_format != "safetensors" || attr.key != "format")};
  }
  plan.target.attrs.clear();
}

// A weight file and a side file, or two side files, must not have the same name.
Result<void> check_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const File& file : plan.layout.files)
    names.push_back(file.name);
  for (const SideFile& file : plan.side_files)
    names.push_back(file.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    return fail(Code::internal, "two output files would be named " + base::quoted(*twice));
  return {};
}

}  // namespace

Result<void> lay_out(const Request& request, const base::Log& log, Plan& plan) {
  plan.target.format = request.target_format;
  drop_reserve(plan);
  if (const Format* target = request.host->find_format(request.target_format); target != nullptr && !target->attrs)
    drop_attrs(*target, plan);
  for (const PlanTensor& tensor : plan.tensors) {
    plan.target.tensors.push_back(described(tensor));
    if (plan.target.tensors.back().encoding != tensor.encoding)
      plan.target.use_encoding({"u8", 1, 1});
    const Encoding* known = request.source->checkpoint.find_encoding(tensor.encoding);
    const WellKnownEncoding* row = find_written_encoding(tensor.encoding);
    if (known == nullptr && row == nullptr)
      return fail(Error{Code::unsupported, "encoding " + base::quoted(tensor.encoding) + " is not known", no_position, "",
                        tensor.name});
    plan.target.use_encoding(known != nullptr ? *known
                                              : Encoding{std::string(row->id), row->block_elements, row->block_bytes});
  }
  HEIRLOOM_TRY(plan.writer_options, writer_options(request));
  HEIRLOOM_TRY(plan.layout, request.host->plan_layout(request.target_format, plan.target, plan.writer_options, log));
  if (!request.is_directory)
    name_companions(plan);
  return check_names(plan);
}

}  // namespace heirloom::plan
