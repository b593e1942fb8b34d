#include "heirloom/plugin.hpp"

#include "numpy_manifest.h"
#include "plugins/numpy/reader.hpp"
#include "plugins/numpy/writer.hpp"

namespace {

const heirloom::numpy::NumpyReader reader;
const heirloom::numpy::NumpyWriter writer;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, &writer);
