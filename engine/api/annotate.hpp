// Changing what a checkpoint says of itself, without touching a weight: the metadata in a weight file's header, or the model
// card of a directory. The change becomes an event of the record.
#pragma once

#include "engine/api.hpp"
#include "engine/report/annotate.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heirloom {

struct AnnotateOptions {
  std::filesystem::path path;
  std::vector<std::string> set;         // KEY=VALUE
  std::vector<std::string> remove;      // keys
  std::filesystem::path from;           // a model card, or an object of keys in a .json file; "" for none
  bool is_dry_run = false;
  std::size_t threads = 0;              // for reading the weights where there is no record, or they must move
  std::uint64_t memory_bytes = run::default_memory_bytes;
};

// A file is written in place where its header has room, else anew beside and then renamed. Whatever happens, under its name
// stands all of the old or all of the new file, or a header whose old bytes the next call puts back.
Result<report::Annotated> annotate(const Session& session, const AnnotateOptions& options, const base::Log& log);

}  // namespace heirloom
