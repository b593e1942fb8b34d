// What a map may say where it said something else: for the message of a word that the schema does not know.
#pragma once

#include <flatbuffers/idl.h>

#include <string>

namespace heirloom::arch {

// The words that may stand in the place of the unknown field or enumeration value that `parser` stopped at, the nearest
// one first, as "did you mean "shape"? TensorRule has hf, gguf, ..."; "" when the error is about something else.
std::string allowed_words(const flatbuffers::Parser& parser);

}  // namespace heirloom::arch
