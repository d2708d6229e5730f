// Decoding of weights on vectors of 16 floats, which narrower instruction sets take in halves. Bit for bit what ggml's
// scalar code gives (tests/kernels.cpp compares them), so products and sums are not fused here (CMakeLists.txt).
// Block layouts: ggml's quants.h.

#include "blocks.h"

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace argot {
namespace {

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef int8_t SignedBytes __attribute__((vector_size(16)));
typedef uint16_t Shorts __attribute__((vector_size(32)));

template <typename V>
inline V read(const uint8_t * p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

inline void write(float * p, Floats v) { std::memcpy(p, &v, sizeof v); }

// GCC 12 takes __builtin_convertvector apart, byte by byte: these are the instructions that it misses.
#if defined(__AVX512F__)
inline Ints widen(Bytes q) { return (Ints) _mm512_cvtepu8_epi32((__m128i) q); }
inline Ints widen(SignedBytes q) { return (Ints) _mm512_cvtepi8_epi32((__m128i) q); }
#else
template <typename Low>
inline Ints join(Low low, Low high) {
    Ints v;
    std::memcpy(&v, &low, 32);
    std::memcpy(reinterpret_cast<char *>(&v) + 32, &high, 32);
    return v;
}
inline Ints widen(Bytes q) { return join(_mm256_cvtepu8_epi32((__m128i) q), _mm256_cvtepu8_epi32(_mm_srli_si128((__m128i) q, 8))); }
inline Ints widen(SignedBytes q) { return join(_mm256_cvtepi8_epi32((__m128i) q), _mm256_cvtepi8_epi32(_mm_srli_si128((__m128i) q, 8))); }
#endif

inline Ints low_nibbles(Bytes q) { return widen(q & 15); }
inline Ints high_nibbles(Bytes q) { return widen(q >> 4); }
inline Floats floats(Ints q) { return __builtin_convertvector(q, Floats); }

void decode_q4_0(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    for (int64_t i = 0; i < n; i += 32, p += 18) {
        const float d = from_half(p);
        const Bytes q = read<Bytes>(p + 2);
        write(dst + i, floats(low_nibbles(q) - 8) * d);
        write(dst + i + 16, floats(high_nibbles(q) - 8) * d);
    }
}

void decode_q4_1(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    for (int64_t i = 0; i < n; i += 32, p += 20) {
        const float d = from_half(p), m = from_half(p + 2);
        const Bytes q = read<Bytes>(p + 4);
        write(dst + i, floats(low_nibbles(q)) * d + m);
        write(dst + i + 16, floats(high_nibbles(q)) * d + m);
    }
}

void decode_q8_0(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    for (int64_t i = 0; i < n; i += 32, p += 34) {
        const float d = from_half(p);
        write(dst + i, floats(widen(read<SignedBytes>(p + 2))) * d);
        write(dst + i + 16, floats(widen(read<SignedBytes>(p + 18))) * d);
    }
}

void decode_q4_k(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    for (int64_t i = 0; i < n; i += 256, p += 144) {
        const float d = from_half(p), dmin = from_half(p + 2);
        for (int j = 0; j < 4; j++) {
            uint8_t s0, m0, s1, m1;
            scale_and_minimum(2 * j, p + 4, s0, m0);
            scale_and_minimum(2 * j + 1, p + 4, s1, m1);
            const float d0 = d * float(s0), min0 = dmin * float(m0), d1 = d * float(s1), min1 = dmin * float(m1);
            for (int h = 0; h < 32; h += 16) {
                const Bytes q = read<Bytes>(p + 16 + 32 * j + h);
                write(dst + i + 64 * j + h, d0 * floats(low_nibbles(q)) - min0);
                write(dst + i + 64 * j + 32 + h, d1 * floats(high_nibbles(q)) - min1);
            }
        }
    }
}

void decode_q6_k(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    for (int64_t i = 0; i < n; i += 256, p += 210) {
        const float d = from_half(p + 208);
        for (int half = 0; half < 2; half++) {
            const uint8_t * low = p + 64 * half, * high = p + 128 + 32 * half;
            for (int quarter = 0; quarter < 4; quarter++) {
                for (int h = 0; h < 32; h += 16) {
                    const Bytes l = read<Bytes>(low + (quarter % 2) * 32 + h), u = (read<Bytes>(high + h) >> (2 * quarter)) & 3;
                    const Ints q = (quarter < 2 ? low_nibbles(l) : high_nibbles(l)) + (widen(u) << 4) - 32;
                    const float scale = d * float(static_cast<int8_t>(p[192 + 8 * half + 2 * quarter + h / 16]));
                    write(dst + i + 128 * half + 32 * quarter + h, scale * floats(q));
                }
            }
        }
    }
}

void decode_bf16(const void * src, float * dst, int64_t n) {
    const auto * p = static_cast<const uint8_t *>(src);
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const Ints bits = __builtin_convertvector(read<Shorts>(p + 2 * i), Ints) << 16;
        std::memcpy(dst + i, &bits, sizeof bits);
    }
    for (; i < n; i++) {
        uint16_t h;
        std::memcpy(&h, p + 2 * i, 2);
        const uint32_t bits = uint32_t(h) << 16;
        std::memcpy(dst + i, &bits, 4);
    }
}

Decoder find_decoder(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q4_0: return decode_q4_0;
        case GGML_TYPE_Q4_1: return decode_q4_1;
        case GGML_TYPE_Q8_0: return decode_q8_0;
        case GGML_TYPE_Q4_K: return decode_q4_k;
        case GGML_TYPE_Q6_K: return decode_q6_k;
        case GGML_TYPE_BF16: return decode_bf16;
        default: return nullptr;
    }
}

} // namespace
} // namespace argot
