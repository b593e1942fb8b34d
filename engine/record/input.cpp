#include "engine/record/input.hpp"

#include "engine/plan/package.hpp"
#include "engine/provenance/names.hpp"

#include <algorithm>
#include <filesystem>

namespace heirloom::record {
namespace {

// Keys that a conversion makes anew.
bool is_own_key(std::string_view key) {
  return key == provenance::version_key || key == provenance::events_key || key == provenance::head_key;
}

Result<std::string> name_of(const model::Source& source) {
  HEIRLOOM_TRY(const plan::Package package, plan::read_package(source, false));
  return package.has_neighbours ? package.name : source.checkpoint.files.front().name;
}

}  // namespace

Result<Input> take_input(model::Source& source) {
  Input input;
  HEIRLOOM_TRY(input.found, find_record(source));
  HEIRLOOM_TRY(input.name, name_of(source));
  input.format = source.checkpoint.format;
  for (const File& file : source.checkpoint.files)
    input.files.push_back(file.name);
  input.metadata_root = provenance::metadata_root(source.checkpoint.attrs);
  std::erase_if(source.checkpoint.attrs, [](const Attr& attr) { return is_own_key(attr.key); });
  return input;
}

}  // namespace heirloom::record
