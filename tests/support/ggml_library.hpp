// The real ggml: functions of libggml-base.so as npm's package @node-llama-cpp/linux-x64 brings it, for tests and
// benchmarks that hold ours against theirs. The library stays loaded until the process ends.
#pragma once

#include <dlfcn.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

namespace heirloom::test {

struct GgmlLibrary {
  // The first fields of ggml_type_traits.
  struct Traits {
    const char* name;
    std::int64_t block_elements, block_elements_interleaved;
    std::size_t block_bytes;
    bool is_quantized;
    void (*to_float)(const void* src, float* dst, std::int64_t n);
  };

  std::size_t (*quantize_chunk)(int type, const float* src, void* dst, std::int64_t start, std::int64_t rows,
                                std::int64_t columns, const float* importance) = nullptr;
  const Traits* (*type_traits)(int type) = nullptr;
  bool (*requires_importance)(int type) = nullptr;
  void (*prepare)(int type) = nullptr;  // the tables of a type; quantize_chunk does it where it is not done
  std::string directory;

  // ggml's number of an encoding, -1 where it has none of this name.
  int type_of(std::string_view encoding) const {
    for (int type = 0; type < type_count; ++type) {
      const char* name = type_traits(type)->name;
      std::string lower = name == nullptr ? "" : name;
      std::transform(lower.begin(), lower.end(), lower.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      if (lower == encoding)
        return type;
    }
    return -1;
  }

  static constexpr int type_count = 43;
};

// HEIRLOOM_LLAMA_CPP_DIR, or the package below HEIRLOOM_NPM_DIR; "" where neither is set.
inline std::string ggml_directory() {
  if (const char* directory = std::getenv("HEIRLOOM_LLAMA_CPP_DIR"))
    return directory;
  if (const char* npm = std::getenv("HEIRLOOM_NPM_DIR"))
    return std::string(npm) + "/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
  return {};
}

// quantize_chunk is null where there is no library that this machine can load.
inline GgmlLibrary load_ggml_library() {
  GgmlLibrary ggml;
  ggml.directory = ggml_directory();
  void* library = ggml.directory.empty() ? nullptr : dlopen((ggml.directory + "/libggml-base.so").c_str(), RTLD_NOW);
  if (library == nullptr)
    return ggml;
  const auto find = [&](auto& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
    return function != nullptr;
  };
  const bool has_all = find(ggml.type_traits, "ggml_get_type_traits") &&
                       find(ggml.requires_importance, "ggml_quantize_requires_imatrix") &&
                       find(ggml.prepare, "ggml_quantize_init") && find(ggml.quantize_chunk, "ggml_quantize_chunk");
  if (!has_all)
    ggml.quantize_chunk = nullptr;
  return ggml;
}

}  // namespace heirloom::test
