// The plugin as a host sees it: the library's one symbol, the manifest, and the C interfaces.
#include "support.hpp"

#include "heirloom/wire.hpp"
#include "plugins/gguf/limits.hpp"
#include "plugins/gguf/types.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <memory>
#include <set>

using heirloom::test::build;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::materialize;
using heirloom::test::MemoryHost;
using heirloom::test::options;
using heirloom::test::small_spec;
using heirloom::test::tensor_bytes;
using heirloom::test::without_places;

namespace {

const heirloom_plugin& load_plugin() {
  void* library = dlopen(HEIRLOOM_PLUGIN_DIR "/heirloom_gguf.so", RTLD_NOW | RTLD_LOCAL);
  const char* reason = library == nullptr ? dlerror() : "";
  REQUIRE_MESSAGE(library != nullptr, reason);
  const void* symbol = dlsym(library, "heirloom_plugin_v1");
  REQUIRE(symbol != nullptr);
  return *static_cast<const heirloom_plugin*>(symbol);
}

template <class Table>
const Table& interface(const char* id) {
  const void* table = load_plugin().get_interface(id);
  REQUIRE(table != nullptr);
  return *static_cast<const Table*>(table);
}

}  // namespace

TEST_CASE("the manifest says what the code does") {
  const heirloom_plugin& plugin = load_plugin();
  CHECK(plugin.abi_major == HEIRLOOM_ABI_MAJOR);
  const auto manifest = heirloom::decode_manifest({plugin.manifest.data, plugin.manifest.size});
  REQUIRE(manifest);
  CHECK_FALSE(manifest->may_execute);
  REQUIRE(manifest->formats.size() == 1);
  const heirloom::Format& format = manifest->formats[0];
  CHECK(format.id == "gguf");
  CHECK(format.typed_attrs);
  CHECK_FALSE(format.empty_tensors);
  CHECK(format.max_dimensions == heirloom::gguf::max_dimensions);
  CHECK(format.max_name_bytes == heirloom::gguf::max_name_bytes);
  std::set<std::string> known;
  for (std::uint32_t code = 0; code < heirloom::gguf::ggml_type_count; ++code)
    if (const auto* encoding = heirloom::gguf::encoding_of(code))
      known.insert(std::string(encoding->id));
  CHECK(format.encodings.size() == known.size());
  CHECK(std::set<std::string>(format.encodings.begin(), format.encodings.end()) == known);
}

TEST_CASE("a model goes through the C interfaces and comes out as the same file") {
  const auto& reader = interface<heirloom_reader_1>(HEIRLOOM_READER_1);
  const auto& writer = interface<heirloom_writer_1>(HEIRLOOM_WRITER_1);
  const FileMap files = {{"a.gguf", build(small_spec()).bytes}};
  const MemoryHost host(files, "a.gguf");
  heirloom_error error = heirloom::empty_c_error();
  heirloom_reader* opened = nullptr;
  REQUIRE(reader.open(0, host.get(), {}, &opened, &error) == HEIRLOOM_OK);
  const std::unique_ptr<heirloom_reader, void (*)(heirloom_reader*)> reader_owner(opened, reader.close);
  heirloom_bytes description{};
  REQUIRE(reader.describe(opened, &description, &error) == HEIRLOOM_OK);
  const auto checkpoint = heirloom::decode_checkpoint({description.data, description.size});
  REQUIRE(checkpoint);

  const Bytes wanted = heirloom::encode(without_places(*checkpoint));
  const Bytes chosen = heirloom::encode(options("a.gguf"));
  heirloom_layout* planned = nullptr;
  REQUIRE(writer.plan(0, host.get(), {wanted.data(), wanted.size()}, {chosen.data(), chosen.size()}, &planned,
                      &error) == HEIRLOOM_OK);
  const std::unique_ptr<heirloom_layout, void (*)(heirloom_layout*)> layout_owner(planned, writer.destroy);
  const heirloom_bytes bytes = writer.bytes(planned);
  const auto layout = heirloom::decode_layout({bytes.data, bytes.size});
  REQUIRE(layout);
  CHECK(materialize(*layout, tensor_bytes(*checkpoint, files)) == files);
}

TEST_CASE("an error crosses the C interface with its code, byte, file and tensor") {
  const auto& reader = interface<heirloom_reader_1>(HEIRLOOM_READER_1);
  auto file = build(small_spec());
  file.put_u64("offset:other", 0);
  const MemoryHost host({{"a.gguf", file.bytes}}, "a.gguf");
  heirloom_error error = heirloom::empty_c_error();
  heirloom_reader* opened = nullptr;
  CHECK(reader.open(0, host.get(), {}, &opened, &error) == HEIRLOOM_MALFORMED);
  CHECK(opened == nullptr);
  CHECK(error.position == file.at.at("offset:other"));
  CHECK(std::string(error.file) == "a.gguf");
  CHECK(std::string(error.tensor) == "other");
}
