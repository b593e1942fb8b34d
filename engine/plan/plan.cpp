#include "engine/plan/plan.hpp"

#include "heirloom/schema/plan_generated.h"
#include "heirloom/wire.hpp"

namespace heirloom::plan {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>> pack_importance(Builder& b, std::span<const float> values) {
  if (values.empty())
    return 0;
  const base::Digest digest = base::sha256({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
  return b.CreateVector(digest.data(), digest.size());
}

flatbuffers::Offset<fb::Box> pack(Builder& b, const arch::Box& box) {
  std::vector<fb::Stride> strides;
  for (const arch::Stride& stride : box.strides)
    strides.emplace_back(stride.count, stride.source, stride.output);
  return fb::CreateBox(b, box.source, box.source_offset, box.output_offset, b.CreateVectorOfStructs(strides));
}

flatbuffers::Offset<fb::PlanTensor> pack(Builder& b, const PlanTensor& tensor) {
  const auto name = b.CreateString(tensor.name);
  const auto encoding = b.CreateSharedString(tensor.encoding);
  const auto shape = b.CreateVector(tensor.shape);
  const arch::Arrangement& made = tensor.arrangement;
  const auto sources = b.CreateVector(made.sources);
  const auto literal = b.CreateVector(tensor.literal);
  const auto note = b.CreateString(tensor.note);
  const auto importance = pack_importance(b, tensor.importance);
  const auto boxes = wire::pack_all(b, made.boxes, [](Builder& builder, const arch::Box& box) { return pack(builder, box); });
  const auto values = wire::pack_all(b, made.values, [](Builder& builder, const arch::ValueOperation& value) {
    return fb::CreateValueOperation(builder, static_cast<fb::ValueKind>(value.kind), value.operand);
  });
  const auto words = b.CreateVectorOfStrings(made.words);
  return fb::CreatePlanTensor(b, name, encoding, shape, static_cast<fb::Action>(tensor.action), sources, literal, note,
                              importance, boxes, values, words);
}

flatbuffers::Offset<fb::Layout> pack(Builder& b, const Layout& layout) {
  const auto files = wire::pack_all(b, layout.files, [](Builder& builder, const File& f) { return wire::pack(builder, f); });
  const auto literals = wire::pack_all(b, layout.literals, [](Builder& builder, const Literal& literal) {
    return fb::CreateLiteralDirect(builder, literal.file, literal.offset, &literal.bytes);
  });
  std::vector<fb::Placement> placements;
  for (const Placement& p : layout.placements)
    placements.emplace_back(p.tensor, p.file, p.offset, p.size);
  const auto places = b.CreateVectorOfStructs(placements);
  const auto checksum = layout.checksum.empty() ? 0 : b.CreateString(layout.checksum);
  return fb::CreateLayout(b, files, literals, places, checksum);
}

}  // namespace

std::vector<std::uint8_t> encode(const Plan& plan) {
  Builder b(1u << 16);
  const auto source_format = b.CreateString(plan.source_format);
  const auto target_format = b.CreateString(plan.target_format);
  const auto architecture = b.CreateString(plan.architecture);
  const auto source_files =
      wire::pack_all(b, plan.source_files, [](Builder& builder, const File& f) { return wire::pack(builder, f); });
  const auto encodings = wire::pack_all(b, plan.target.encodings,
                                        [](Builder& builder, const Encoding& e) { return wire::pack(builder, e); });
  const auto tensors =
      wire::pack_all(b, plan.tensors, [](Builder& builder, const PlanTensor& t) { return pack(builder, t); });
  const auto attrs = wire::pack(b, plan.target.attrs);
  const auto layout = pack(b, plan.layout);
  const auto side_files = wire::pack_all(b, plan.side_files, [](Builder& builder, const SideFile& file) {
    return fb::CreateSideFileDirect(builder, file.name.c_str(), file.copied_from.c_str(), &file.bytes);
  });
  const auto dispositions = wire::pack_all(b, plan.dispositions, [](Builder& builder, const Disposition& d) {
    return fb::CreateDispositionDirect(builder, d.item.c_str(), static_cast<fb::Fate>(d.fate), d.target.c_str(),
                                       d.reason.c_str());
  });
  const auto writer_options = wire::pack(b, plan.writer_options);
  const auto warnings = b.CreateVectorOfStrings(plan.warnings);
  const auto tool = b.CreateString(HEIRLOOM_VERSION);
  fb::FinishPlanBuffer(b, fb::CreatePlan(b, tool, source_format, target_format, architecture, source_files, encodings,
                                         tensors, attrs, layout, side_files, dispositions, warnings, writer_options));
  return wire::release(b);
}

base::Digest fingerprint(const Plan& plan) { return base::sha256(encode(plan)); }

}  // namespace heirloom::plan
