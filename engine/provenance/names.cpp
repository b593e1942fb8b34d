#include "engine/provenance/names.hpp"

#include "engine/provenance/identity.hpp"

#include <array>

namespace heirloom::provenance {
namespace {

struct PartName {
  Part part;
  std::string_view in_directory;
  std::string_view suffix;  // beside a file
};

constexpr std::array part_names = {PartName{Part::log, "provenance.intoto.jsonl", ".intoto.jsonl"},
                                   PartName{Part::receipts, "tensor-receipts.jsonl", ".tensor-receipts.jsonl"},
                                   PartName{Part::ledger, "metadata-ledger.json", ".metadata-ledger.json"}};

}  // namespace

std::string file_name(Part part, std::string_view file) {
  for (const PartName& row : part_names)
    if (row.part == part)
      return file.empty() ? std::string(row.in_directory) : std::string(file) + std::string(row.suffix);
  return {};
}

bool is_record_name(std::string_view name) {
  for (const PartName& row : part_names)
    if (name == row.in_directory || name.ends_with(row.suffix))
      return true;
  return name.ends_with(".sig");
}

bool is_record_key(std::string_view key) {
  return key == version_key || key == events_key || key == head_key || key == reserve_key;
}

}  // namespace heirloom::provenance
