// Writes small files for the plugins' conformance tests, byte by byte and without the plugins: make_samples DIRECTORY.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

void put(std::string& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i)
    out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

void put_text(std::string& out, const std::string& text) {
  put(out, text.size(), 8);
  out += text;
}

std::string safetensors() {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("a":{"dtype":"BF16","shape":[3],"data_offsets":[16,22]},"s":{"dtype":"U8","shape":[],"data_offsets":[22,23]}})";
  std::string out;
  put_text(out, header);
  for (unsigned i = 0; i < 23; ++i)
    put(out, i, 1);
  return out;
}

// | GGUF | u32 version | u64 tensors | u64 keys | keys | tensor table | padding to 32 | data |
std::string gguf(unsigned version) {
  enum { type_u32 = 4, type_string = 8, type_array = 9 };
  std::string out = "GGUF";
  put(out, version, 4);
  put(out, 2, 8);
  put(out, 3, 8);
  put_text(out, "general.architecture");
  put(out, type_string, 4);
  put_text(out, "llama");
  put_text(out, "llama.block_count");
  put(out, type_u32, 4);
  put(out, 1, 4);
  put_text(out, "tokenizer.ggml.tokens");
  put(out, type_array, 4);
  put(out, type_string, 4);
  put(out, 2, 8);
  put_text(out, "<s>");
  put_text(out, "a");
  const auto tensor = [&out](const char* name, std::uint64_t columns, std::uint64_t rows, unsigned type,
                             std::uint64_t offset) {
    put_text(out, name);
    put(out, 2, 4);
    put(out, columns, 8);
    put(out, rows, 8);
    put(out, type, 4);
    put(out, offset, 8);
  };
  constexpr unsigned type_f32 = 0, type_q8_0 = 8;
  tensor("token_embd.weight", 32, 2, type_q8_0, 0);  // 68 bytes
  tensor("output.weight", 3, 2, type_f32, 96);       // 24 bytes
  out.resize((out.size() + 31) / 32 * 32, '\0');
  out.resize(out.size() + 128, '\x3C');
  return out;
}

bool write(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  return file.good();
}

}  // namespace

int main(int count, char** words) {
  if (count != 2)
    return 2;
  const std::filesystem::path directory = words[1];
  std::filesystem::create_directories(directory / "safetensors");
  std::filesystem::create_directories(directory / "gguf");
  std::filesystem::create_directories(directory / "tiny");
  std::string tiny = "TINY";
  tiny += std::string("\x02\x01" "a\x03\x00\x00\x00\x01" "b\x02\x00\x00\x00" "12345", 18);
  const bool is_written = write(directory / "safetensors" / "three.safetensors", safetensors()) &&
                          write(directory / "gguf" / "version_2.gguf", gguf(2)) &&
                          write(directory / "gguf" / "version_3.gguf", gguf(3)) &&
                          write(directory / "tiny" / "two.tiny", tiny);
  return is_written ? 0 : 2;
}
