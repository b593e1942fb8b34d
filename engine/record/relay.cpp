#include "engine/record/relay.hpp"

#include "engine/base/text.hpp"
#include "engine/host/option_text.hpp"
#include "engine/provenance/identity.hpp"

#include <algorithm>
#include <string>

namespace heirloom::record {
namespace {

using provenance::reserve_key;

// The tensors of the first file, and what the writer is told.
struct Part {
  Checkpoint checkpoint;
  std::vector<std::uint32_t> sources;        // index in the source of each
  Options options;
};

tl::unexpected<Error> refuse(const model::Source& source, Code code, std::string why) {
  return fail(Error{code, std::move(why), no_position, source.files->display(source.checkpoint.files.front().name)});
}

Result<Part> first_file(const host::Host& host, const model::Source& source) {
  const Checkpoint& all = source.checkpoint;
  const Format* format = host.find_format(all.format);
  if (format == nullptr || !format->writes || !format->attrs)
    return refuse(source, Code::unsupported, "files of the format " + base::quoted(all.format) + " hold no metadata that can be changed; "
                                             "heirloom convert writes it as another");
  Part part{{all.format, all.version, {}, all.encodings}, {}, {}};
  for (std::uint32_t i = 0; i < all.tensors.size(); ++i) {
    const Tensor& tensor = all.tensors[i];
    const bool is_here = std::any_of(tensor.extents.begin(), tensor.extents.end(), [](const Extent& extent) { return extent.file == 0; });
    if (!is_here && !tensor.extents.empty())
      continue;
    if (tensor.decoded || tensor.big_endian || tensor.extents.size() != 1)
      return fail(Error{Code::unsupported, "its bytes do not lie as they would be written; heirloom convert lays the file out anew",
                        no_position, source.files->display(all.files.front().name), tensor.name});
    part.checkpoint.tensors.push_back(tensor);
    part.sources.push_back(i);
  }
  part.options = {Attr::text(std::string(host::target_name_option), all.files.front().name)};
  if (host::declares(format->write_options, "max_shard_size"))
    part.options.push_back(Attr::scalar("max_shard_size", std::uint64_t{0}));
  if (all.files.size() > 1 && host::declares(format->write_options, "set_files")) {
    part.options.push_back(Attr::scalar("set_files", static_cast<std::uint64_t>(all.files.size())));
    part.options.push_back(Attr::scalar("set_tensors", static_cast<std::uint64_t>(all.tensors.size())));
  }
  return part;
}

class Relayer {
 public:
  Relayer(const host::Host& host, const model::Source& source, Part part, const base::Log& log)
      : host_(host), source_(source), part_(std::move(part)), log_(log) {}

  // The layout of the file with these keys.
  Result<Layout> lay_out(std::vector<Attr> attrs) {
    part_.checkpoint.attrs = std::move(attrs);
    HEIRLOOM_TRY(Layout layout, host_.plan_layout(part_.checkpoint.format, part_.checkpoint, part_.options, log_));
    if (layout.files.size() != 1 || layout.literals.size() != 1 || layout.literals[0].offset != 0 || !layout.checksum.empty())
      return refuse(source_, Code::unsupported, "a file of the format " + base::quoted(part_.checkpoint.format) +
                                                " has more than a header beside its tensors; heirloom convert writes it anew");
    return layout;
  }

  // Every tensor stands where it does now, and without tensors the file has the size that it has now.
  bool stays(const Layout& layout) const {
    for (const Placement& placement : layout.placements)
      if (part_.checkpoint.tensors[placement.tensor].extents[0].offset != placement.offset)
        return false;
    return !layout.placements.empty() || layout.files[0].size == source_.checkpoint.files[0].size;
  }

  // Bytes before the first tensor.
  std::uint64_t room() const {
    std::uint64_t end = source_.checkpoint.files[0].size;
    for (const Tensor& tensor : part_.checkpoint.tensors)
      if (tensor.extents[0].size != 0)
        end = std::min(end, tensor.extents[0].offset);
    return end;
  }

  // The header with zeros up to the first tensor.
  std::vector<std::uint8_t> header_of(const Layout& layout) const {
    std::vector<std::uint8_t> bytes = layout.literals[0].bytes;
    bytes.resize(std::max<std::uint64_t>(bytes.size(), room()));
    return bytes;
  }

  Result<bool> is_present_header(const Layout& layout) const {
    const std::vector<std::uint8_t> header = header_of(layout);
    if (!stays(layout) || header.size() > source_.checkpoint.files[0].size)
      return false;
    std::vector<std::uint8_t> present(header.size());
    HEIRLOOM_CHECK(source_.files->read(source_.checkpoint.files[0].name, 0, present));
    return present == header;
  }

  plan::Plan plan_of(Layout layout) const {
    plan::Plan plan;
    plan.source_format = plan.target_format = part_.checkpoint.format;
    plan.source_files = source_.checkpoint.files;
    plan.target = part_.checkpoint;
    for (std::size_t i = 0; i < part_.sources.size(); ++i) {
      Tensor& tensor = plan.target.tensors[i];
      tensor.extents.clear();
      plan.tensors.push_back({tensor.name, tensor.encoding, tensor.shape, plan::Action::copy, arch::whole(part_.sources[i], tensor.shape)});
    }
    plan.writer_options = part_.options;
    plan.layout = std::move(layout);
    return plan;
  }

 private:
  const host::Host& host_;
  const model::Source& source_;
  Part part_;
  const base::Log& log_;
};

std::vector<Attr> with_reserve(std::vector<Attr> attrs, std::uint64_t bytes) {
  attrs.push_back(Attr::text(std::string(reserve_key), std::string(bytes, ' ')));
  return attrs;
}

// A layout in which every tensor stays, with as much reserve as fills the `room` before them; or nothing.
Result<std::optional<Layout>> fit(Relayer& relayer, const std::vector<Attr>& attrs, std::uint64_t room, std::uint64_t& reserve) {
  HEIRLOOM_TRY(Layout bare, relayer.lay_out(attrs));
  HEIRLOOM_TRY(Layout empty, relayer.lay_out(with_reserve(attrs, 0)));
  reserve = 0;
  const std::uint64_t least = empty.literals[0].bytes.size();
  if (least <= room) {
    reserve = room - least;
    HEIRLOOM_TRY(Layout filled, relayer.lay_out(with_reserve(attrs, reserve)));
    if (relayer.stays(filled))
      return filled;
    reserve = 0;
  }
  // The key itself may be what does not fit any more.
  if (relayer.stays(bare) && bare.literals[0].bytes.size() <= room)
    return relayer.lay_out(attrs);
  return std::nullopt;
}

}  // namespace

Result<Relaid> relay(const host::Host& host, const model::Source& source, std::vector<Attr> attrs, std::uint64_t reserve_bytes,
                     const base::Log& log) {
  HEIRLOOM_TRY(Part part, first_file(host, source));
  Relayer relayer(host, source, std::move(part), log);
  HEIRLOOM_TRY(const Layout present, relayer.lay_out(source.checkpoint.attrs));
  Relaid out;
  HEIRLOOM_TRY(out.is_faithful, relayer.is_present_header(present));
  std::erase_if(attrs, [](const Attr& attr) { return attr.key == reserve_key; });
  HEIRLOOM_TRY(auto fitting, fit(relayer, attrs, relayer.room(), out.reserve_bytes));
  if (fitting) {
    out.header = relayer.header_of(*fitting);
    out.plan = relayer.plan_of(std::move(*fitting));
    return out;
  }
  out.reserve_bytes = reserve_bytes;
  HEIRLOOM_TRY(Layout moved, relayer.lay_out(with_reserve(std::move(attrs), reserve_bytes)));
  out.plan = relayer.plan_of(std::move(moved));
  return out;
}

}  // namespace heirloom::record
