// Writing a plugin in C++: derive from Reader or Writer, and end one source file with HEIRLOOM_PLUGIN. The thunks here
// turn values into FlatBuffers, Errors into heirloom_error, and every exception into HEIRLOOM_INTERNAL.
// sdk/README.md shows it in thirty minutes.
#pragma once

#include "heirloom/files.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/wire.hpp"

#include <memory>
#include <new>
#include <span>

namespace heirloom {

// Describes checkpoints. Stateless and constant: one object serves all threads. `format` is an index into the manifest.
class Reader {
 public:
  virtual ~Reader() = default;
  // HEIRLOOM_PROBE_...: looks at a few kilobytes at most; never an error because the content is something else.
  virtual Result<std::uint32_t> probe(std::uint32_t format, const Files& files) const = 0;
  virtual Result<Checkpoint> read(std::uint32_t format, const Files& files, const Options& options) const = 0;
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
};

// Defined by HEIRLOOM_PLUGIN; null where the plugin has none.
const Reader* plugin_reader() noexcept;
const Writer* plugin_writer() noexcept;

namespace thunk {

inline void copy_text(char* field, std::size_t size, std::string_view text) {
  const std::size_t count = std::min(size - 1, text.size());
  std::memcpy(field, text.data(), count);
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
  heirloom::Files files;
  heirloom::Checkpoint checkpoint;
  std::vector<std::uint8_t> description;
};
struct heirloom_layout {
  std::vector<std::uint8_t> bytes;
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
    HEIRLOOM_TRY(Checkpoint checkpoint, plugin_reader()->read(format, files, items));
    auto opened = std::make_unique<heirloom_reader>(heirloom_reader{files, std::move(checkpoint), {}});
    opened->description = encode(opened->checkpoint);
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
    if (tensor >= reader->checkpoint.tensors.size())
      return fail(Code::misuse, "no tensor number " + std::to_string(tensor));
    return plugin_reader()->decode(reader->files, reader->checkpoint, tensor, offset,
                                   {static_cast<std::uint8_t*>(buffer), size});
  });
}

inline heirloom_status plan(std::uint32_t format, const heirloom_host*, heirloom_bytes checkpoint,
                            heirloom_bytes options, heirloom_layout** layout, heirloom_error* error) noexcept {
  return guarded(error, [&]() -> Result<void> {
    HEIRLOOM_TRY(const Checkpoint wanted, decode_checkpoint(span_of(checkpoint)));
    HEIRLOOM_TRY(const Options items, decode_options(span_of(options)));
    HEIRLOOM_TRY(const Layout planned, plugin_writer()->plan(format, wanted, items));
    *layout = std::make_unique<heirloom_layout>(heirloom_layout{encode(planned)}).release();
    return {};
  });
}

inline heirloom_bytes layout_bytes(const heirloom_layout* layout) noexcept {
  return {layout->bytes.data(), layout->bytes.size()};
}

inline void destroy(heirloom_layout* layout) noexcept { delete layout; }

inline const void* get_interface(const char* id) noexcept {
  static constexpr heirloom_reader_1 reader{probe, open, describe, close};
  static constexpr heirloom_decode_1 decode{decode_tensor};
  static constexpr heirloom_writer_1 writer{plan, layout_bytes, destroy};
  const std::string_view wanted = id;
  if (plugin_reader() != nullptr && wanted == HEIRLOOM_READER_1)
    return &reader;
  if (plugin_reader() != nullptr && wanted == HEIRLOOM_DECODE_1)
    return &decode;
  if (plugin_writer() != nullptr && wanted == HEIRLOOM_WRITER_1)
    return &writer;
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
