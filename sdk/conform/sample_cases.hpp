// Cases about a reader and one sample: it opens, means something sound, says the same twice, keeps nothing behind, and
// survives every damage done to the sample.
#pragma once

#include "case.hpp"
#include "samples.hpp"

#include <functional>
#include <vector>

namespace heirloom::conform {

// Makes the sample in the child process: from disk, or with the plugin's own writer.
using SampleSource = std::function<Result<Sample>(const heirloom_plugin&)>;

std::vector<Case> sample_cases(const FormatUnderTest& format, const std::string& sample_name,
                               const SampleSource& source);

// All of a tensor's bytes, plain: from its extents or through heirloom.decode/1.
Result<Bytes> read_tensor(const heirloom_plugin& plugin, heirloom_reader* reader, const Checkpoint& checkpoint,
                          std::uint32_t tensor, const ViewHost& host);

}  // namespace heirloom::conform
