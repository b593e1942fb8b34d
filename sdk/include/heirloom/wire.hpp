// Nouns to FlatBuffers and back. Decoding verifies the buffer's structure against explicit limits; what the values mean
// is checked by whoever receives them (engine/model/validate on the host's side).
#pragma once

#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"
#include "heirloom/schema/checkpoint_generated.h"
#include "heirloom/schema/layout_generated.h"
#include "heirloom/schema/manifest_generated.h"
#include "heirloom/schema/options_generated.h"

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace heirloom {

// Limits on a buffer that crosses the border.
inline constexpr std::uint64_t max_buffer_bytes = 0x7fff'fff0;  // FlatBuffers' own limit is 2 GiB
inline constexpr std::uint32_t max_buffer_tables = 1u << 24;
inline constexpr std::uint32_t max_buffer_depth = 16;

namespace wire {

using Builder = flatbuffers::FlatBufferBuilder;

inline flatbuffers::Offset<fb::Attr> pack(Builder& b, const Attr& attr) {
  const auto key = b.CreateString(attr.key);
  const auto data = attr.data.empty() ? 0 : b.CreateVector(attr.data);
  const auto strings = attr.strings.empty() ? 0 : b.CreateVectorOfStrings(attr.strings);
  return fb::CreateAttr(b, key, static_cast<fb::AttrType>(attr.type), static_cast<fb::AttrType>(attr.element), data,
                        strings);
}

template <class Noun, class Pack>
auto pack_all(Builder& b, const std::vector<Noun>& nouns, Pack pack_one) {
  using Offset = decltype(pack_one(b, nouns.front()));
  std::vector<Offset> offsets;
  offsets.reserve(nouns.size());
  for (const Noun& noun : nouns)
    offsets.push_back(pack_one(b, noun));
  return b.CreateVector(offsets);
}

inline auto pack(Builder& b, const std::vector<Attr>& attrs) {
  return pack_all(b, attrs, [](Builder& builder, const Attr& attr) { return pack(builder, attr); });
}

inline flatbuffers::Offset<fb::File> pack(Builder& b, const File& file) {
  return fb::CreateFileDirect(b, file.name.c_str(), file.size);
}

inline flatbuffers::Offset<fb::Encoding> pack(Builder& b, const Encoding& encoding) {
  return fb::CreateEncodingDirect(b, encoding.id.c_str(), encoding.block_elements, encoding.block_bytes);
}

inline flatbuffers::Offset<fb::Tensor> pack(Builder& b, const Tensor& tensor) {
  std::vector<fb::Extent> extents;
  for (const Extent& extent : tensor.extents)
    extents.emplace_back(extent.file, extent.offset, extent.size);
  const auto name = b.CreateString(tensor.name);
  const auto encoding = b.CreateSharedString(tensor.encoding);
  const auto shape = b.CreateVector(tensor.shape);
  const auto places = b.CreateVectorOfStructs(extents);
  return fb::CreateTensor(b, name, encoding, shape, places, tensor.big_endian, tensor.decoded);
}

inline flatbuffers::Offset<fb::Finding> pack(Builder& b, const Finding& finding) {
  return fb::CreateFindingDirect(b, finding.kind.c_str(), finding.what.c_str(), finding.file.c_str(), finding.position,
                                 finding.note.c_str());
}

inline flatbuffers::Offset<fb::LeftOut> pack(Builder& b, const LeftOut& left) {
  return fb::CreateLeftOutDirect(b, left.name.c_str(), left.encoding.c_str(), &left.shape, left.reason.c_str());
}

inline std::vector<std::uint8_t> release(Builder& b) {
  return {b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()};
}

inline std::string text(const flatbuffers::String* s) { return s == nullptr ? std::string() : s->str(); }

// The verifier checks that vectors lie inside the buffer, not that their elements are aligned: elements are copied out.
template <class T>
std::vector<T> numbers(const flatbuffers::Vector<T>* v) {
  std::vector<T> all(v == nullptr ? 0 : v->size());
  if (!all.empty())
    std::memcpy(all.data(), v->Data(), all.size() * sizeof(T));
  for (T& number : all)
    number = flatbuffers::EndianScalar(number);
  return all;
}

template <class Struct, class Take>
void for_each_struct(const flatbuffers::Vector<const Struct*>* v, Take take) {
  const flatbuffers::uoffset_t count = v == nullptr ? 0 : v->size();
  for (flatbuffers::uoffset_t i = 0; i < count; ++i) {
    Struct aligned;
    std::memcpy(static_cast<void*>(&aligned), v->Data() + std::size_t{i} * sizeof aligned, sizeof aligned);
    take(aligned);
  }
}

inline std::vector<std::string> texts(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>* v) {
  std::vector<std::string> all;
  if (v != nullptr)
    for (const auto* s : *v)
      all.push_back(s->str());
  return all;
}

template <class Vector, class Unpack>
auto unpack_all(const Vector* v, Unpack unpack_one) {
  std::vector<decltype(unpack_one(*v->begin()))> all;
  if (v != nullptr) {
    all.reserve(v->size());
    for (const auto* item : *v)
      all.push_back(unpack_one(item));
  }
  return all;
}

inline Attr unpack(const fb::Attr* a) {
  return {text(a->key()), static_cast<AttrType>(a->type()), static_cast<AttrType>(a->element()),
          numbers(a->data()), texts(a->strings())};
}

inline File unpack(const fb::File* f) { return {text(f->name()), f->size()}; }

inline Encoding unpack(const fb::Encoding* e) { return {text(e->id()), e->block_elements(), e->block_bytes()}; }

inline Tensor unpack(const fb::Tensor* t) {
  Tensor tensor{text(t->name()), text(t->encoding()), numbers(t->shape())};
  for_each_struct(t->extents(), [&](const fb::Extent& e) {
    tensor.extents.push_back({e.file(), e.offset(), e.size()});
  });
  tensor.big_endian = t->big_endian();
  tensor.decoded = t->decoded();
  return tensor;
}

inline Finding unpack(const fb::Finding* f) {
  return {text(f->kind()), text(f->what()), text(f->file()), f->position(), text(f->note())};
}

inline LeftOut unpack(const fb::LeftOut* l) {
  return {text(l->name()), text(l->encoding()), numbers(l->shape()), text(l->reason())};
}

inline OptionSpec unpack(const fb::OptionSpec* o) {
  return {text(o->name()), static_cast<AttrType>(o->type()), text(o->help()), text(o->default_text())};
}

inline Format unpack(const fb::Format* f) {
  const auto option = [](const fb::OptionSpec* o) { return unpack(o); };
  Format format;
  format.id = text(f->id());
  format.title = text(f->title());
  format.suffixes = texts(f->suffixes());
  format.magic = unpack_all(f->magic(), [](const fb::Magic* m) { return Magic{m->offset(), numbers(m->bytes())}; });
  format.reads = f->reads();
  format.writes = f->writes();
  format.typed_attrs = f->typed_attrs();
  format.directory = f->directory();
  format.empty_tensors = f->empty_tensors();
  format.attrs = f->attrs();
  format.keeps_names = f->keeps_names();
  format.encodings = texts(f->encodings());
  format.max_dimensions = f->max_dimensions();
  format.max_name_bytes = f->max_name_bytes();
  format.read_options = unpack_all(f->read_options(), option);
  format.write_options = unpack_all(f->write_options(), option);
  return format;
}

// Verifies and hands the root to `take`. `what` names the buffer in messages. Empty buffers are refused.
template <class Root, class Take>
auto decode(std::span<const std::uint8_t> bytes, const char* identifier, const char* what, Take take)
    -> Result<decltype(take(static_cast<const Root*>(nullptr)))> {
  if (bytes.size() > max_buffer_bytes)
    return fail(Code::limit, std::string(what) + " of " + std::to_string(bytes.size()) + " bytes is too large");
  std::vector<std::uint8_t> aligned;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % 8 != 0) {
    aligned.assign(bytes.begin(), bytes.end());
    bytes = aligned;
  }
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), max_buffer_depth, max_buffer_tables);
  if (bytes.size() < 8 || !verifier.VerifyBuffer<Root>(identifier))
    return fail(Code::malformed, std::string("not a valid ") + what + " buffer (" + identifier + ")");
  return take(flatbuffers::GetRoot<Root>(bytes.data()));
}

}  // namespace wire

inline std::vector<std::uint8_t> encode(const Checkpoint& c) {
  wire::Builder b(1u << 16);
  const auto one = [](wire::Builder& builder, const auto& noun) { return wire::pack(builder, noun); };
  const auto format = b.CreateString(c.format);
  const auto version = b.CreateString(c.version);
  const auto files = wire::pack_all(b, c.files, one);
  const auto encodings = wire::pack_all(b, c.encodings, one);
  const auto tensors = wire::pack_all(b, c.tensors, one);
  const auto attrs = wire::pack(b, c.attrs);
  const auto warnings = b.CreateVectorOfStrings(c.warnings);
  const auto findings = c.findings.empty() ? 0 : wire::pack_all(b, c.findings, one);
  const auto left_out = c.left_out.empty() ? 0 : wire::pack_all(b, c.left_out, one);
  std::vector<fb::Checksum> sums;
  for (const Checksum& sum : c.checksums)
    sums.emplace_back(sum.file, sum.crc32, sum.offset, sum.size);
  const auto checksums = sums.empty() ? 0 : b.CreateVectorOfStructs(sums);
  fb::FinishCheckpointBuffer(b, fb::CreateCheckpoint(b, format, version, files, encodings, tensors, attrs, warnings,
                                                     c.shared_extents, findings, left_out, checksums));
  return wire::release(b);
}

inline Result<Checkpoint> decode_checkpoint(std::span<const std::uint8_t> bytes) {
  return wire::decode<fb::Checkpoint>(
      bytes, fb::CheckpointIdentifier(), "checkpoint description", [](const fb::Checkpoint* c) {
        const auto one = [](const auto* noun) { return wire::unpack(noun); };
        Checkpoint checkpoint;
        checkpoint.format = wire::text(c->format());
        checkpoint.version = wire::text(c->version());
        checkpoint.files = wire::unpack_all(c->files(), one);
        checkpoint.encodings = wire::unpack_all(c->encodings(), one);
        checkpoint.tensors = wire::unpack_all(c->tensors(), one);
        checkpoint.attrs = wire::unpack_all(c->attrs(), one);
        checkpoint.warnings = wire::texts(c->warnings());
        checkpoint.shared_extents = c->shared_extents();
        checkpoint.findings = wire::unpack_all(c->findings(), one);
        checkpoint.left_out = wire::unpack_all(c->left_out(), one);
        wire::for_each_struct(c->checksums(), [&](const fb::Checksum& sum) {
          checkpoint.checksums.push_back({sum.file(), sum.crc32(), sum.offset(), sum.size()});
        });
        return checkpoint;
      });
}

inline std::vector<std::uint8_t> encode(const Options& options) {
  wire::Builder b;
  fb::FinishOptionsBuffer(b, fb::CreateOptions(b, wire::pack(b, options)));
  return wire::release(b);
}

// An empty buffer means no options.
inline Result<Options> decode_options(std::span<const std::uint8_t> bytes) {
  if (bytes.empty())
    return Options{};
  return wire::decode<fb::Options>(bytes, fb::OptionsIdentifier(), "options", [](const fb::Options* o) {
    return wire::unpack_all(o->items(), [](const fb::Attr* a) { return wire::unpack(a); });
  });
}

inline std::vector<std::uint8_t> encode(const Layout& layout) {
  wire::Builder b(1u << 16);
  const auto files =
      wire::pack_all(b, layout.files, [](wire::Builder& builder, const File& f) { return wire::pack(builder, f); });
  const auto literals = wire::pack_all(b, layout.literals, [](wire::Builder& builder, const Literal& literal) {
    return fb::CreateLiteralDirect(builder, literal.file, literal.offset, &literal.bytes);
  });
  std::vector<fb::Placement> placements;
  for (const Placement& p : layout.placements)
    placements.emplace_back(p.tensor, p.file, p.offset, p.size);
  const auto places = b.CreateVectorOfStructs(placements);
  const auto checksum = layout.checksum.empty() ? 0 : b.CreateString(layout.checksum);
  fb::FinishLayoutBuffer(b, fb::CreateLayout(b, files, literals, places, checksum));
  return wire::release(b);
}

inline Result<Layout> decode_layout(std::span<const std::uint8_t> bytes) {
  return wire::decode<fb::Layout>(bytes, fb::LayoutIdentifier(), "layout", [](const fb::Layout* l) {
    Layout layout;
    layout.files = wire::unpack_all(l->files(), [](const fb::File* f) { return wire::unpack(f); });
    layout.literals = wire::unpack_all(l->literals(), [](const fb::Literal* literal) {
      return Literal{literal->file(), literal->offset(), wire::numbers(literal->bytes())};
    });
    wire::for_each_struct(l->placements(), [&](const fb::Placement& p) {
      layout.placements.push_back({p.tensor(), p.file(), p.offset(), p.size()});
    });
    layout.checksum = wire::text(l->checksum());
    return layout;
  });
}

inline Result<Manifest> decode_manifest(std::span<const std::uint8_t> bytes) {
  return wire::decode<fb::Manifest>(bytes, fb::ManifestIdentifier(), "manifest", [](const fb::Manifest* m) {
    Manifest manifest;
    manifest.id = wire::text(m->id());
    manifest.version = wire::text(m->version());
    manifest.title = wire::text(m->title());
    manifest.licence = wire::text(m->licence());
    manifest.homepage = wire::text(m->homepage());
    manifest.may_execute = m->trust() == fb::Trust::may_execute;
    manifest.formats = wire::unpack_all(m->formats(), [](const fb::Format* f) { return wire::unpack(f); });
    return manifest;
  });
}

}  // namespace heirloom
