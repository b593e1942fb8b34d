#include "heirloom/plugin.hpp"

#include "reader.hpp"
#include "safetensors_manifest.h"
#include "writer.hpp"

namespace {

const heirloom::safetensors::SafetensorsReader reader;
const heirloom::safetensors::SafetensorsWriter writer;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, &writer);
