#include "heirloom/plugin.hpp"

#include "reader.hpp"
#include "torch_dcp_manifest.h"

namespace {

const heirloom::torch_dcp::DcpReader reader;

}  // namespace

HEIRLOOM_PLUGIN(heirloom_manifest, &reader, nullptr);
