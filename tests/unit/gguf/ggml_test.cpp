// Against ggml's own GGUF code, where HEIRLOOM_LLAMA_CPP_DIR names a folder with libggml-base.so.
#include "support.hpp"

#include "plugins/gguf/types.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

using heirloom::test::build;
using heirloom::test::Built;
using heirloom::test::Bytes;
using heirloom::test::FileMap;
using heirloom::test::noise;
using heirloom::test::options;
using heirloom::test::read_model;
using heirloom::test::read_one;
using heirloom::test::rewrite;
using heirloom::test::small_spec;
using heirloom::test::tensor_bytes;

namespace {

// Parameters of ggml_init and gguf_init_from_file.
struct InitParams {
  std::size_t size;
  void* memory;
  bool no_alloc;
};
struct ReadParams {
  bool no_alloc;
  void** context;
};

// ggml's library, and a directory for the files that go to it and come from it.
class Ggml {
 public:
  explicit Ggml(void* library) : library_(library) {
    std::string pattern = (std::filesystem::temp_directory_path() / "heirloom-gguf-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Ggml() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Ggml(const Ggml&) = delete;
  Ggml& operator=(const Ggml&) = delete;

  template <class Signature, class... Arguments>
  auto call(const char* name, Arguments... arguments) const {
    void* symbol = dlsym(library_, name);
    REQUIRE_MESSAGE(symbol != nullptr, name);
    return reinterpret_cast<Signature*>(symbol)(arguments...);
  }

  std::string path() const { return (folder_ / "x.gguf").string(); }
  Bytes load() const {
    std::ifstream file(path(), std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }

  // Asked in a child process: ggml may abort on what it does not expect, which counts as a refusal.
  bool accepts(const Bytes& bytes) const {
    std::ofstream(path(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const pid_t child = ::fork();
    if (child == 0) {
      (void)std::freopen("/dev/null", "w", stderr);
      const std::string name = path();
      const auto* model =
          call<void*(const char*, ReadParams)>("gguf_init_from_file", name.c_str(), ReadParams{true, nullptr});
      ::_exit(model != nullptr ? 0 : 1);
    }
    int status = -1;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  void* library_;
  std::filesystem::path folder_;
};

// Null where the library is not there; a line says so.
std::unique_ptr<Ggml> load_ggml() {
  const char* folder = std::getenv("HEIRLOOM_LLAMA_CPP_DIR");
  void* library = folder == nullptr ? nullptr : dlopen((std::string(folder) + "/libggml-base.so").c_str(), RTLD_NOW);
  if (library == nullptr) {
    std::printf("skipped: 1 case, HEIRLOOM_LLAMA_CPP_DIR names no folder with libggml-base.so\n");
    return nullptr;
  }
  return std::make_unique<Ggml>(library);
}

void set_metadata(const Ggml& ggml, void* model) {
  const auto set = [&]<class T>(const char* name, const char* key, T value) {
    ggml.call<void(void*, const char*, T)>(name, model, key, value);
  };
  set("gguf_set_val_str", "general.architecture", static_cast<const char*>("test"));
  set("gguf_set_val_u8", "u8", std::uint8_t{200});
  set("gguf_set_val_i8", "i8", std::int8_t{-2});
  set("gguf_set_val_u16", "u16", std::uint16_t{60000});
  set("gguf_set_val_i16", "i16", std::int16_t{-3});
  set("gguf_set_val_u32", "u32", std::uint32_t{4000000000});
  set("gguf_set_val_i32", "i32", std::int32_t{-4});
  set("gguf_set_val_u64", "u64", std::uint64_t{UINT64_MAX});
  set("gguf_set_val_i64", "i64", std::int64_t{-5});
  set("gguf_set_val_f32", "f32", 1.25f);
  set("gguf_set_val_f64", "f64", 0.1);
  set("gguf_set_val_bool", "bool", true);
  const std::int32_t numbers[] = {1, -2, 3};
  ggml.call<void(void*, const char*, int, const void*, std::size_t)>(
      "gguf_set_arr_data", model, "numbers", 5, static_cast<const void*>(numbers), std::size_t{3});
  const char* texts[] = {"a", "", "ccc"};
  ggml.call<void(void*, const char*, const char**, std::size_t)>("gguf_set_arr_str", model, "texts", texts,
                                                                 std::size_t{3});
}

// One tensor of each type, named by its encoding; returns the bytes that were put into them.
std::vector<Bytes> add_tensors(const Ggml& ggml, void* context, void* model) {
  std::vector<Bytes> all;
  for (std::uint32_t code = 0; code < heirloom::gguf::ggml_type_count; ++code) {
    const auto* encoding = heirloom::gguf::encoding_of(code);
    if (encoding == nullptr)
      continue;
    const std::int64_t ne[] = {encoding->block_elements * 2, 3, 2};
    void* tensor = ggml.call<void*(void*, int, int, const std::int64_t*)>("ggml_new_tensor", context,
                                                                          static_cast<int>(code), 3, ne);
    all.push_back(noise(ggml.call<std::size_t(const void*)>("ggml_nbytes", tensor), code));
    std::memcpy(ggml.call<void*(const void*)>("ggml_get_data", tensor), all.back().data(), all.back().size());
    const std::string name(encoding->id);
    ggml.call<void*(void*, const char*)>("ggml_set_name", tensor, name.c_str());
    ggml.call<void(void*, const void*)>("gguf_add_tensor", model, tensor);
  }
  return all;
}

}  // namespace

TEST_CASE("a file that ggml writes, with every type, is read and written again to the same bytes") {
  const auto ggml = load_ggml();
  if (ggml == nullptr)
    return;
  void* model = ggml->call<void*()>("gguf_init_empty");
  set_metadata(*ggml, model);
  void* context = ggml->call<void*(InitParams)>("ggml_init", InitParams{16u << 20, nullptr, false});
  const std::vector<Bytes> wanted = add_tensors(*ggml, context, model);
  const std::string path = ggml->path();
  REQUIRE(ggml->call<bool(const void*, const char*, bool)>("gguf_write_to_file", model, path.c_str(), false));
  ggml->call<void(void*)>("gguf_free", model);
  ggml->call<void(void*)>("ggml_free", context);
  const FileMap files = {{"x.gguf", ggml->load()}};
  const auto read = read_model(files, "x.gguf");
  REQUIRE(read);
  CHECK(read->attrs.size() == 14);
  CHECK(read->tensors.size() == 35);
  for (const auto& tensor : read->tensors)
    CHECK(tensor.name == tensor.encoding);
  CHECK(tensor_bytes(*read, files) == wanted);
  CHECK(rewrite(files, "x.gguf", options("x.gguf")).value() == files);
  const FileMap shards = rewrite(files, "x.gguf", options("x.gguf", 10000)).value();
  CHECK(shards.size() > 1);
  for (const auto& shard : shards)
    CHECK_MESSAGE(ggml->accepts(shard.second), shard.first);
}

TEST_CASE("what ggml refuses is refused, whichever bit of the header is flipped") {
  const auto ggml = load_ggml();
  if (ggml == nullptr)
    return;
  const Built good = build(small_spec());
  REQUIRE(ggml->accepts(good.bytes));
  std::size_t accepted = 0;
  for (std::size_t bit = 0; bit < good.at.at("data") * 8; ++bit) {
    Bytes bad = good.bytes;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    if (!read_one(bad))
      continue;
    ++accepted;
    CHECK_MESSAGE(ggml->accepts(bad), bit);
  }
  CHECK(accepted > 100);
}
