// Architecture maps: data that says how a family of models is laid out in the Hugging Face ecosystem and in GGUF
// (formats/schema/architecture.fbs). Built-in maps are compiled in; users bring more with --arch-map. Constant after
// load(), usable from any thread.
#pragma once

#include "engine/model/json.hpp"
#include "heirloom/nouns.hpp"
#include "heirloom/result.hpp"
#include "heirloom/schema/architecture_generated.h"

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace heirloom::arch {

using Map = fb::ArchitectureT;

// One map of a user, from a JSON file. Errors name file, line and what is allowed.
Result<std::unique_ptr<Map>> read_map_file(const std::filesystem::path& path);

class Maps {
 public:
  // Users' maps come first and so win over built-in ones.
  static Result<Maps> load(std::span<const std::filesystem::path> user_files);

  const std::vector<std::unique_ptr<Map>>& all() const { return maps_; }

  // The user's file that a map of `all` was read from; "" for a built-in one.
  std::filesystem::path file_of(const Map& map) const;

  // By config.json "architectures"; null when none matches. Among families that share the class, the key that marks one of
  // them in the configuration decides.
  const Map* find_by_class(std::string_view hf_class, const model::Json& config) const;
  // By general.architecture. Among families that share it `hf_class` ("" when not known) decides, then the key that marks
  // one of them.
  const Map* find_by_gguf_name(std::string_view gguf_name, std::string_view hf_class, const std::vector<Attr>& attrs) const;

 private:
  std::vector<std::unique_ptr<Map>> maps_;
  std::vector<std::filesystem::path> user_files_;  // of the first of them
};

// The first name in config.json's "architectures", or "".
std::string hf_class_of(const model::Json& config);

// Why a map matches a checkpoint, or why it does not: one line.
struct Explanation {
  const Map* map = nullptr;
  bool is_match = false;
  std::string reason;
};
std::vector<Explanation> explain(const Maps& maps, const model::Json& config, const std::vector<Attr>& attrs);

}  // namespace heirloom::arch
