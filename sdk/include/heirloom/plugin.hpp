// Writing a plugin in C++: derive from Reader or Writer, and end one source file with HEIRLOOM_PLUGIN. The thunks here
// turn values into FlatBuffers, Errors into heirloom_error, and every exception into HEIRLOOM_INTERNAL.
// sdk/README.md shows it in thirty minutes.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/wire.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <span>

namespace heirloom {

// An open checkpoint: what was read, and whatever its tensors' bytes need to be found again. Constant, any thread.
class OpenCheckpoint {
 public:
  virtual ~OpenCheckpoint() = default;
  // Borrowed; valid as long as the object.
  virtual const Checkpoint& description() const = 0;
  // Bytes of a tensor that the description marks `decoded`, as if it lay plain; fills `out` from byte `offset`.
  virtual Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const = 0;
};

// Describes checkpoints. Stateless and constant: one object serves all threads. `format` is an index into the manifest.
// Override `read` where the description says all that `decode` needs, `open` where it does not.
class Reader {
 public:
  virtual ~Reader() = default;
  // HEIRLOOM_PROBE_...: looks at a few kilobytes at most; never an error because the content is something else.
  virtual Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const = 0;
  virtual Result<Checkpoint> read(std::uint32_t, const Files&, const Options&) const {
    return fail(Code::internal, "the reader overrides neither read nor open");
  }
  virtual Result<std::unique_ptr<OpenCheckpoint>> open(std::uint32_t format, const Files& files,
                                                       const Options& options) const;
  // Bytes of a tensor that `read` marked `decoded`, as if it lay plain; fills `out` from byte `offset`.
  virtual Result<void> decode(const Files&, const Checkpoint&, std::uint32_t, std::uint64_t,
                              std::span<std::uint8_t>) const {
    return fail(Code::unsupported, "this plugin decodes no tensors");
  }
};

// Lays checkpoints out. Stateless and constant.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<Layout> plan(std::uint32_t format, const Checkpoint& checkpoint, const Options& options) const = 0;
  // What was open when `plan` returned `layout`, which names a checksum: the bytes that depend on the tensors' bytes.
  // `checksums` are of the layout's placements, in their order.
  virtual Result<std::vector<Literal>> finish(std::uint32_t, const Checkpoint&, const Options&, const Layout&,
                                              std::span<const std::uint64_t>) const {
    return fail(Code::unsupported, "this plugin finishes no layouts");
  }
};

// The checkpoint of a Reader that overrides `read` alone.
class ReadCheckpoint final : public OpenCheckpoint {
 public:
  ReadCheckpoint(const Reader& reader, const Files& files, Checkpoint checkpoint)
      : reader_(reader), files_(files), checkpoint_(std::move(checkpoint)) {}
  const Checkpoint& description() const override { return checkpoint_; }
  Result<void> decode(std::uint32_t tensor, std::uint64_t offset, std::span<std::uint8_t> out) const override {
    return reader_.decode(files_, checkpoint_, tensor, offset, out);
  }

 private:
  const Reader& reader_;
  Files files_;
  Checkpoint checkpoint_;
};

inline Result<std::unique_ptr<OpenCheckpoint>> Reader::open(std::uint32_t format, const Files& files,
                                                            const Options& options) const {
  HEIRLOOM_TRY(Checkpoint checkpoint, read(format, files, options));
  return std::make_unique<ReadCheckpoint>(*this, files, std::move(checkpoint));
}

// Defined by HEIRLOOM_PLUGIN; null where the plugin has none.
const Reader* plugin_reader() noexcept;
const Writer* plugin_writer() noexcept;

namespace thunk {

inline void copy_text(char* field, std::size_t size, std::string_view text) {
  const std::size_t count = std::min(size - 1, text.size());
  std::memcpy(field, text.data(), count);
  std::replace(field, field + count, '\0', '?');  // a name from a file must not cut the message off
  field[count] = '\0';
}

inline heirloom_status report(const Error& error, heirloom_error* out) noexcept {
  if (out != nullptr && out->struct_size >= sizeof(heirloom_error)) {
    out->position = error.position;
    copy_text(out->message, sizeof out->message, error.message);
    copy_text(out->file, sizeof out->file, error.file);
    copy_text(out->tensor, sizeof out->tensor, error.tensor);
  }
  return static_cast<heirloom_status>(error.code);
}

// Runs `body`, which returns a Result<void>, and catches everything.
template <class Body>
heirloom_status guarded(heirloom_error* error, Body body) noexcept {
  try {
    if (const Result<void> result = body(); !result)
      return report(result.error(), error);
    return HEIRLOOM_OK;
  } catch (const std::bad_alloc&) {
    return report({Code::internal, "out of memory"}, error);
  } catch (const std::exception& exception) {
    return report({Code::internal, std::string("exception in the plugin: ") + exception.what()}, error);
  } catch (...) {
    return report({Code::internal, "unknown exception in the plugin"}, error);
  }
}

inline std::span<const std::uint8_t> span_of(heirloom_bytes bytes) { return {bytes.data, bytes.size}; }

}  // namespace thunk
}  // namespace heirloom

// What the ABI calls heirloom_reader and heirloom_layout.
struct heirloom_reader {
  std::unique_ptr<heirloom::OpenCheckpoint> checkpoint;
  std::vector<std::uint8_t> description;
};
struct heirloom_layout {
  std::vector<std::uint8_t> bytes;
  // What finish() is called with; empty for a layout without a checksum.
  std::uint32_t format = 0;
  heirloom::Checkpoint checkpoint = {};
  heirloom::Options options = {};
  heirloom::Layout layout = {};
  std::vector<std::uint8_t> literals = {};
};

namespace heirloom::thunk {

inline heirloom_status probe(std::uint32_t format, const heirloom_host* host, std::uint32_t* score,
                             heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    HEIRLOOM_TRY(const Files files, Files::of(host));
    HEIRLOOM_TRY(*score, plugin_reader()->probe(format, files));
    return {};
  });
}

inline heirloom_status open(std::uint32_t format, const heirloom_host* host, heirloom_bytes options,
                            heirloom_reader** reader, heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    HEIRLOOM_TRY(const Files files, Files::of(host));
    HEIRLOOM_TRY(const Options items, decode_options(span_of(options)));
    HEIRLOOM_TRY(auto checkpoint, plugin_reader()->open(format, files, items));
    auto opened = std::make_unique<heirloom_reader>(heirloom_reader{std::move(checkpoint), {}});
    opened->description = encode(opened->checkpoint->description());
    *reader = opened.release();
    return {};
  });
}

inline heirloom_status describe(heirloom_reader* reader, heirloom_bytes* bytes, heirloom_error*) noexcept {
  *bytes = {reader->description.data(), reader->description.size()};
  return HEIRLOOM_OK;
}

inline void close(heirloom_reader* reader) noexcept { delete reader; }

inline heirloom_status decode_tensor(heirloom_reader* reader, std::uint32_t tensor, std::uint64_t offset,
                                     void* buffer, std::uint64_t size, heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    if (tensor >= reader->checkpoint->description().tensors.size())
      return fail(Code::misuse, "no tensor number " + std::to_string(tensor));
    return reader->checkpoint->decode(tensor, offset, {static_cast<std::uint8_t*>(buffer), size});
  });
}

inline heirloom_status plan(std::uint32_t format, const heirloom_host*, heirloom_bytes checkpoint,
                            heirloom_bytes options, heirloom_layout** layout, heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    HEIRLOOM_TRY(Checkpoint wanted, decode_checkpoint(span_of(checkpoint)));
    HEIRLOOM_TRY(Options items, decode_options(span_of(options)));
    HEIRLOOM_TRY(Layout laid_out, plugin_writer()->plan(format, wanted, items));
    auto planned = std::make_unique<heirloom_layout>(heirloom_layout{encode(laid_out)});
    if (!laid_out.checksum.empty()) {
      planned->format = format;
      planned->checkpoint = std::move(wanted);
      planned->options = std::move(items);
      planned->layout = std::move(laid_out);
    }
    *layout = planned.release();
    return {};
  });
}

inline heirloom_bytes layout_bytes(const heirloom_layout* layout) noexcept {
  return {layout->bytes.data(), layout->bytes.size()};
}

inline void destroy(heirloom_layout* layout) noexcept { delete layout; }

inline heirloom_status finish(heirloom_layout* layout, const std::uint64_t* checksums, std::uint64_t count,
                              heirloom_bytes* literals, heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    if (layout->layout.checksum.empty() || count != layout->layout.placements.size())
      return fail(Code::misuse, "finish wants one checksum for each placement of a layout that names a checksum");
    Layout last;
    HEIRLOOM_TRY(last.literals, plugin_writer()->finish(layout->format, layout->checkpoint, layout->options,
                                                        layout->layout, {checksums, count}));
    layout->literals = encode(last);
    *literals = {layout->literals.data(), layout->literals.size()};
    return {};
  });
}

inline const void* get_interface(const char* id) noexcept {
  static constexpr heirloom_reader_1 reader{probe, open, describe, close};
  static constexpr heirloom_decode_1 decode{decode_tensor};
  static constexpr heirloom_writer_1 writer{plan, layout_bytes, destroy};
  static constexpr heirloom_finish_1 last{finish};
  const std::string_view wanted = id;
  if (plugin_reader() != nullptr && wanted == HEIRLOOM_READER_1)
    return &reader;
  if (plugin_reader() != nullptr && wanted == HEIRLOOM_DECODE_1)
    return &decode;
  if (plugin_writer() != nullptr && wanted == HEIRLOOM_WRITER_1)
    return &writer;
  if (plugin_writer() != nullptr && wanted == HEIRLOOM_FINISH_1)
    return &last;
  return nullptr;
}

}  // namespace heirloom::thunk

// Exports the plugin. `manifest` is the array that heirloom_add_plugin() generates from manifest.json; `reader` and
// `writer` are addresses of constant objects, or nullptr.
#define HEIRLOOM_PLUGIN(manifest, reader, writer)                                                    \
  const heirloom::Reader* heirloom::plugin_reader() noexcept { return (reader); }                    \
  const heirloom::Writer* heirloom::plugin_writer() noexcept { return (writer); }                    \
  const heirloom_plugin heirloom_plugin_v1 = {                                                       \
      HEIRLOOM_ABI_MAJOR, HEIRLOOM_ABI_MINOR, {manifest, sizeof manifest}, heirloom::thunk::get_interface}
