// Cases about a writer: what it claims it can write is laid out soundly and always the same, what it cannot is refused,
// and what it wrote the plugin's own reader reads back.
#pragma once

#include "case.hpp"
#include "sample_cases.hpp"

#include <vector>

namespace heirloom::conform {

std::vector<Case> writer_cases(const FormatUnderTest& format);

// A checkpoint that the plugin itself has written, as a sample for its reader.
SampleSource own_output(const FormatUnderTest& format);

}  // namespace heirloom::conform
