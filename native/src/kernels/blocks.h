// Parts of ggml's blocks (quants.h) that several decoders read. In an unnamed namespace, since each instruction set's file compiles its own.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace argot {
namespace {

inline float from_half(const uint8_t * p) {
    uint16_t h;
    std::memcpy(&h, p, 2);
    return _cvtsh_ss(h);
}

// The six-bit scale and minimum of sub-block j.
inline void scale_and_minimum(int j, const uint8_t * packed, uint8_t & scale, uint8_t & minimum) {
    if (j < 4) {
        scale = packed[j] & 63;
        minimum = packed[j + 4] & 63;
    } else {
        scale = uint8_t((packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4));
        minimum = uint8_t((packed[j + 4] >> 4) | ((packed[j] >> 6) << 4));
    }
}

} // namespace
} // namespace argot
