#include "heirloom/plugin.hpp"

#include "plugins/pytorch/reader.hpp"
#include "plugins/pytorch/writer.hpp"
#include "pytorch_manifest.h"

namespace {

const heirloom::pytorch::PytorchReader reader;
const heirloom::pytorch::PytorchWriter writer;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, &writer);
