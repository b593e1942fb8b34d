// The peer of our tests and benchmarks: llama.cpp's own llama_model_quantize, from the libraries that npm's package
// @node-llama-cpp/linux-x64 brings (release v0.5.0, whose structures are repeated here). It does what llama-quantize
// does, which is not in that package.
#include "tests/peer/imatrix_file.hpp"
#include "tests/support/ggml_library.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace heirloom::test;

constexpr const char* usage =
    "usage: peer_quantize LIBRARIES IN.gguf OUT.gguf FILE_TYPE [--threads N] [--imatrix FILE.dat] [--imatrix-name "
    "TEXT]\n"
    "         [--tensor-type REGEX=TYPE]... [--output-tensor-type TYPE] [--token-embedding-type TYPE] [--pure]\n"
    "         [--leave-output-tensor] [--allow-requantize] [--copy] [--dry-run]\n"
    "       peer_quantize LIBRARIES --serve TYPE,TYPE...\n"
    "LIBRARIES is the folder with libggml-base.so, FILE_TYPE llama.cpp's number of a recipe, TYPE ggml's name of a "
    "type.\n";

// llama_model_kv_override, llama_model_imatrix_data, llama_model_tensor_override, llama_model_quantize_params.
struct KeyValue {
  enum Kind : std::int32_t { integer, real, boolean, text } kind;
  char key[128];
  union {
    std::int64_t number;
    char characters[128];
  };
};
static_assert(sizeof(KeyValue) == 264);
struct ImatrixData {
  const char* name;
  const float* values;
  std::size_t count;
};
struct TensorType {
  const char* pattern;
  std::int32_t type;
};
struct Parameters {
  std::int32_t threads, file_type, output_tensor_type, token_embedding_type;
  bool allow_requantize, quantize_output_tensor, only_copy, pure, keep_split, dry_run;
  const ImatrixData* imatrix;
  const KeyValue* key_values;
  const TensorType* tensor_types;
  const std::int32_t* prune_layers;
  char later_members[256];
};

struct Library {
  GgmlLibrary ggml;
  Parameters (*defaults)() = nullptr;
  std::uint32_t (*quantize)(const char* in, const char* out, const Parameters* parameters) = nullptr;
};

bool load(Library& library, const std::string& directory) {
  setenv("HEIRLOOM_LLAMA_CPP_DIR", directory.c_str(), 1);
  library.ggml = load_ggml_library();
  void* llama = nullptr;
  for (const char* name : {"libggml-base.so", "libggml.v0.5.0.so", "libllama.v0.5.0.so"}) {
    llama = dlopen((directory + "/" + name).c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (llama == nullptr) {
      std::fprintf(stderr, "peer_quantize: %s\n", dlerror());
      return false;
    }
  }
  if (const auto start = reinterpret_cast<void (*)()>(dlsym(llama, "llama_backend_init")))
    start();
  library.defaults = reinterpret_cast<Parameters (*)()>(dlsym(llama, "llama_model_quantize_default_params"));
  library.quantize = reinterpret_cast<decltype(library.quantize)>(dlsym(llama, "llama_model_quantize"));
  return library.ggml.quantize_chunk != nullptr && library.defaults != nullptr && library.quantize != nullptr;
}

// What the parameters point to.
struct Held {
  ImatrixFile file;
  std::string imatrix_name;
  std::vector<ImatrixData> imatrix;
  std::vector<KeyValue> key_values;
  std::vector<std::string> patterns;
  std::vector<TensorType> tensor_types;
};

void add(std::vector<KeyValue>& pairs, const char* key, const std::string& value) {
  KeyValue pair{};
  pair.kind = KeyValue::text;
  std::snprintf(pair.key, sizeof pair.key, "%s", key);
  std::memcpy(pair.characters, value.data(), std::min<std::size_t>(value.size(), 127));
  pairs.push_back(pair);
}

void add(std::vector<KeyValue>& pairs, const char* key, std::int64_t value) {
  KeyValue pair{};
  pair.kind = KeyValue::integer;
  std::snprintf(pair.key, sizeof pair.key, "%s", key);
  pair.number = value;
  pairs.push_back(pair);
}

bool use_imatrix(Parameters& parameters, Held& held, const std::string& path) {
  const auto file = read_imatrix(path);
  if (!file)
    return false;
  held.file = *file;
  for (const auto& entry : held.file.entries)
    held.imatrix.push_back({entry.name.c_str(), entry.values.data(), entry.values.size()});
  held.imatrix.push_back({});
  parameters.imatrix = held.imatrix.data();
  add(held.key_values, "quantize.imatrix.file", held.imatrix_name.empty() ? path : held.imatrix_name);
  if (!held.file.dataset.empty())
    add(held.key_values, "quantize.imatrix.dataset", held.file.dataset);
  add(held.key_values, "quantize.imatrix.entries_count", static_cast<std::int64_t>(held.file.entries.size()));
  if (held.file.chunks > 0)
    add(held.key_values, "quantize.imatrix.chunks_count", held.file.chunks);
  held.key_values.push_back({});
  parameters.key_values = held.key_values.data();
  return true;
}

// One option with its value; false where it is unknown or the value makes no sense.
bool set(Parameters& parameters, Held& held, const GgmlLibrary& ggml, std::string_view option,
         const std::string& value) {
  const auto set_type = [&](std::int32_t& place, std::string_view name) {
    place = ggml.type_of(name);
    return place >= 0;
  };
  if (option == "--threads")
    return (parameters.threads = std::atoi(value.c_str())) > 0;
  if (option == "--imatrix")
    return use_imatrix(parameters, held, value);
  if (option == "--output-tensor-type")
    return set_type(parameters.output_tensor_type, value);
  if (option == "--token-embedding-type")
    return set_type(parameters.token_embedding_type, value);
  const std::size_t equals = value.rfind('=');
  if (option != "--tensor-type" || equals == std::string::npos)
    return false;
  held.patterns.push_back(value.substr(0, equals));
  TensorType chosen{};
  if (!set_type(chosen.type, std::string_view(value).substr(equals + 1)))
    return false;
  held.tensor_types.push_back(chosen);
  return true;
}

bool set_switch(Parameters& parameters, std::string_view option) {
  const auto is = [&](std::string_view name) { return option == name; };
  parameters.pure |= is("--pure");
  parameters.quantize_output_tensor &= !is("--leave-output-tensor");
  parameters.allow_requantize |= is("--allow-requantize");
  parameters.only_copy |= is("--copy");
  parameters.dry_run |= is("--dry-run");
  return is("--pure") || is("--leave-output-tensor") || is("--allow-requantize") || is("--copy") || is("--dry-run");
}

bool set_all(Parameters& parameters, Held& held, const GgmlLibrary& ggml, const std::vector<std::string>& options) {
  for (std::size_t i = 0; i < options.size(); ++i)
    if (options[i] == "--imatrix-name" && i + 1 < options.size())
      held.imatrix_name = options[i + 1];
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (set_switch(parameters, options[i]))
      continue;
    const bool has_value = i + 1 < options.size();
    if (!has_value || (options[i] != "--imatrix-name" && !set(parameters, held, ggml, options[i], options[i + 1]))) {
      std::fprintf(stderr, "peer_quantize: cannot take %s %s\n", options[i].c_str(),
                   has_value ? options[i + 1].c_str() : "without a value");
      return false;
    }
    ++i;
  }
  for (std::size_t i = 0; i < held.patterns.size(); ++i) held.tensor_types[i].pattern = held.patterns[i].c_str();
  if (!held.tensor_types.empty()) {
    held.tensor_types.push_back({nullptr, GgmlLibrary::type_count});
    parameters.tensor_types = held.tensor_types.data();
  }
  return true;
}

// Exit code 1: llama.cpp refuses. 2: it could not be asked.
int quantize(const Library& library, const std::vector<std::string>& arguments) {
  if (arguments.size() < 3) {
    std::fputs(usage, stderr);
    return 2;
  }
  Parameters parameters = library.defaults();
  if (parameters.output_tensor_type != GgmlLibrary::type_count || !parameters.quantize_output_tensor) {
    std::fprintf(stderr, "peer_quantize: this llama.cpp lays out its parameters otherwise than v0.5.0\n");
    return 2;
  }
  parameters.file_type = std::atoi(arguments[2].c_str());
  Held held;
  if (!set_all(parameters, held, library.ggml, {arguments.begin() + 3, arguments.end()}))
    return 2;
  return library.quantize(arguments[0].c_str(), arguments[1].c_str(), &parameters) == 0 ? 0 : 1;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// Runs one job in a process of its own and says how it ended: "NUMBER CODE MILLISECONDS", CODE negative for a signal,
// then processor time.
void run_job(const Library& library, const std::vector<std::string>& job) {
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen(job[1].c_str(), "w", stderr) == nullptr)
      _exit(2);
    const int code = quantize(library, {job.begin() + 2, job.end()});
    std::fflush(stderr);
    _exit(code);
  }
  int status = 0;
  rusage used{};
  wait4(child, &status, 0, &used);
  const auto milliseconds =
      1000 * (used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  const std::string line = job[0] + " " + std::to_string(code) + " " + std::to_string(milliseconds) + "\n";
  [[maybe_unused]] const auto written = write(STDOUT_FILENO, line.data(), line.size());
}

// Jobs come as lines "NUMBER<tab>LOG<tab>IN.gguf<tab>..." and run side by side, as many as the caller sends. ggml takes
// up to ten seconds to prepare the tables of an encoding; here it does so once.
int serve(const Library& library, const std::string& types) {
  for (const std::string& name : split(types, ',')) library.ggml.prepare(library.ggml.type_of(name));
  std::signal(SIGCHLD, SIG_IGN);
  for (std::string line; std::getline(std::cin, line);) {
    const std::vector<std::string> job = split(line, '\t');
    if (job.size() < 5)
      return 2;
    if (fork() == 0) {
      std::signal(SIGCHLD, SIG_DFL);
      run_job(library, job);
      _exit(0);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs(usage, stderr);
    return 2;
  }
  Library library;
  if (!load(library, argv[1]))
    return 2;
  if (std::string_view(argv[2]) == "--serve")
    return serve(library, argv[3]);
  return quantize(library, {argv + 2, argv + argc});
}
