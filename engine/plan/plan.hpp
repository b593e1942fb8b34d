// A plan: pure data that says, for every output tensor, what it is made from and how, for every output byte where it
// comes from, and for every metadata item what became of it. formats/schema/plan.fbs is its definition; encode() makes
// that buffer, whose digest identifies the plan.
#pragma once

#include "engine/arch/tensors.hpp"
#include "engine/base/digest.hpp"
#include "heirloom/nouns.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace heirloom::plan {

enum class Action : std::uint8_t {
  copy,     // the source's bytes, unchanged, or those of several one behind the other
  convert,  // decode, rearrange, encode
  literal   // the bytes stand in the plan
};

struct PlanTensor {
  std::string name;
  std::string encoding;
  std::vector<std::uint64_t> shape;
  Action action = Action::copy;
  arch::Arrangement arrangement = {};        // over the source description's tensors; of a literal empty
  std::vector<std::uint8_t> literal = {};
  std::string note = {};                     // why this encoding, where it is not the one asked for
  // A number for each column, for stacked matrices one after the other; empty without. Borrowed: ImportanceMatrix owns it.
  std::span<const float> importance = {};
};

// A file written beside the weights: copied from the source, or its bytes are here.
struct SideFile {
  std::string name;
  std::string copied_from = {};
  std::vector<std::uint8_t> bytes = {};
};

enum class Fate : std::uint8_t { carried, mapped, beside, dropped };

struct Disposition {
  std::string item;         // e.g. "config.json:rope_theta"
  Fate fate = Fate::carried;
  std::string target = {};  // key or file that has it now
  std::string reason = {};  // when dropped
  bool is_loss = false;     // dropped against the user's interest: needs --allow-loss
  std::string loss = {};    // what the target's form of it does not say
};

// A tensor of the source that no output is made from.
struct Dropped {
  std::string name;
  std::string encoding = {};               // "" where the reader does not say
  std::vector<std::uint64_t> shape = {};
  std::string file = {};
  std::string reason = {};
};

struct Plan {
  std::string source_format;
  std::string target_format;
  std::string architecture;  // id of the map; "" when names are kept
  std::filesystem::path architecture_file = {};  // of a user that the map was read from; "" for a built-in one
  std::vector<File> source_files;
  Checkpoint target;         // description of the output: encodings, tensors (parallel to `tensors`), attrs
  std::vector<PlanTensor> tensors;
  Options writer_options;    // that the layout was planned with
  Layout layout;
  std::vector<SideFile> side_files;
  std::vector<std::string> record_files = {};  // names of what is written beside the weights when all else is done
  std::vector<std::string> displaced_files = {};  // names of what would speak of other weights if it stayed beside these
  std::vector<Disposition> dispositions;
  std::vector<Dropped> dropped = {};           // its tensors among them, in the same order
  std::vector<std::string> warnings;
};

std::vector<std::uint8_t> encode(const Plan& plan);
// SHA-256 of encode(): equal plans have equal fingerprints.
base::Digest fingerprint(const Plan& plan);

}  // namespace heirloom::plan
