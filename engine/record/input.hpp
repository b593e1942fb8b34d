// Input: what a checkpoint is before it is converted: its own record, its name, the root of its metadata. The record's keys
// are taken out of its description, so that no plan carries them on as ordinary metadata: a new record begins with what
// they say.
#pragma once

#include "engine/record/found.hpp"

#include <string>
#include <vector>

namespace heirloom::record {

struct Input {
  std::string name;                       // of the directory or of its (first) file
  std::string format;
  std::vector<std::string> files;         // of weights
  base::Digest metadata_root = {};
  Found found = {};
};

Result<Input> take_input(model::Source& source);

}  // namespace heirloom::record
