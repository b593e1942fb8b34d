// Descriptions made up to try a writer on: everything that a format claims it can write, and what it must refuse.
#pragma once

#include "case.hpp"

#include <string>
#include <vector>

namespace heirloom::conform {

enum class Expect {
  planned,             // the manifest says that this can be written
  planned_or_refused,  // the manifest does not say; refusing with `unsupported` or `limit` is fine
  refused,             // the manifest says that this cannot be written, or nobody could
  unsupported,         // refused with exactly that status
};

struct Synthetic {
  std::string name;
  Expect expect = Expect::planned;
  Checkpoint checkpoint;
  bool has_bytes = true;  // small enough to be made and read back
};

std::vector<Synthetic> synthetic_checkpoints(const Format& format);

// Several tensors and attributes: the usual case.
Checkpoint typical_checkpoint(const Format& format);

}  // namespace heirloom::conform
