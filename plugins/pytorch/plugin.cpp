#include "heirloom/plugin.hpp"

#include "plugins/pytorch/reader.hpp"
#include "pytorch_manifest.h"

namespace {

const heirloom::pytorch::PytorchReader reader;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, nullptr);
