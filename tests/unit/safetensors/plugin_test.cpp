#include "build_file.hpp"
#include "heirloom/plugin.hpp"
#include "plugins/common/shards/target.hpp"
#include "plugins/safetensors/dtypes.hpp"
#include "plugins/safetensors/writer.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <memory>

using heirloom::test::MemoryHost;
using heirloom::test::safetensors_file;

namespace {

const heirloom_plugin& load_plugin() {
  void* library = dlopen(HEIRLOOM_PLUGIN_DIR "/heirloom_safetensors.so", RTLD_NOW | RTLD_LOCAL);
  const char* reason = library == nullptr ? dlerror() : "";
  REQUIRE_MESSAGE(library != nullptr, reason);
  const void* symbol = dlsym(library, "heirloom_plugin_v1");
  REQUIRE(symbol != nullptr);
  return *static_cast<const heirloom_plugin*>(symbol);
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
  std::vector<std::string> encodings;
  for (const heirloom::safetensors::Dtype& dtype : heirloom::safetensors::dtypes)
    encodings.emplace_back(dtype.encoding);
  CHECK(format.encodings == encodings);
  for (const heirloom::OptionSpec& option : format.write_options)
    if (option.name == "max_shard_size")
      CHECK(option.default_text == std::to_string(heirloom::shards::default_max_shard_bytes));
}

TEST_CASE("the plugin opens a checkpoint through its C interface and says errors there") {
  const heirloom_plugin& plugin = load_plugin();
  const auto* reader = static_cast<const heirloom_reader_1*>(plugin.get_interface(HEIRLOOM_READER_1));
  REQUIRE(reader != nullptr);
  CHECK(plugin.get_interface(HEIRLOOM_WRITER_1) != nullptr);
  CHECK(plugin.get_interface("heirloom.unknown/1") == nullptr);
  heirloom_error error = heirloom::empty_c_error();
  heirloom_reader* opened = nullptr;

  const MemoryHost good({{"a.safetensors", safetensors_file("{}", 0)}}, "a.safetensors");
  REQUIRE(reader->open(0, good.get(), {}, &opened, &error) == HEIRLOOM_OK);
  const std::unique_ptr<heirloom_reader, void (*)(heirloom_reader*)> owner(opened, reader->close);
  heirloom_bytes description{};
  REQUIRE(reader->describe(opened, &description, &error) == HEIRLOOM_OK);
  CHECK(heirloom::decode_checkpoint({description.data, description.size})->format == "safetensors");

  const MemoryHost bad({{"a.safetensors", safetensors_file("{} ", 1)}}, "a.safetensors");
  CHECK(reader->open(0, bad.get(), {}, &opened, &error) == HEIRLOOM_MALFORMED);
  CHECK(error.position == 11);
  CHECK(std::string(error.file) == "a.safetensors");
}
