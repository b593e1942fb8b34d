#include "reader.hpp"
#include "writer.hpp"

#include "gguf_manifest.h"

namespace {

const heirloom::gguf::GgufReader reader{};
const heirloom::gguf::GgufWriter writer{};

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, &writer);
