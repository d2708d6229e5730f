// Decoders of weights for the running processor.
#pragma once

#include "ggml.h"

#include <cstdint>

namespace argot {

using Decoder = void (*)(const void * src, float * dst, int64_t n);

/** Null where ggml's own decoder is to be used: for rare types, and on processors without one of ours. */
Decoder fast_decoder(ggml_type type);

} // namespace argot
