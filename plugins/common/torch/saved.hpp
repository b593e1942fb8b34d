// A file of torch.save's zip format, or TorchScript's, whole or as a part of another file: its pickles, parsed, and where its
// storages lie (formats/facts/pytorch.md#zip). Refers to the host's files and lives no longer than they do.
#pragma once

#include "plugins/common/pickle/parse.hpp"
#include "plugins/common/torch/storage.hpp"
#include "plugins/common/zip/archive.hpp"

#include <optional>
#include <string>

namespace heirloom::torch {

struct Saved {
  zip::Archive archive;
  std::string root;                         // folder of all members, without "/"
  std::string version;                      // as the archive says, "3"
  bool is_big_endian = false;
  pickle::Tree tree;                        // data.pkl
  Storages storages;                        // data/KEY
  std::optional<pickle::Tree> constants;    // constants.pkl: then it is TorchScript
  Storages constant_storages;               // constants/KEY

  bool is_torch_script() const { return constants.has_value(); }
};

// The archive that fills `range` of the file.
Result<Saved> open_saved(const Files& files, const std::string& file, zip::Range range,
                         const pickle::Limits& limits = {});

}  // namespace heirloom::torch
