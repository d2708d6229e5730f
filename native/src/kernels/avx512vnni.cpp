// Products of bytes (VPDPBUSD): four multiplications where a bfloat16 instruction has two, for weights that are few bits anyway.
#define ARGOT_WIDTH 16
#include "simd.h"

#include "blocks.h"

#include <immintrin.h>

namespace argot {
namespace {

constexpr int64_t block = byte_block;

// Levels are stored with 128 added, since the instruction multiplies an unsigned byte by a signed one.
void quantise(int64_t n, const float * src, uint8_t * levels, float * steps, float * sums) {
    for (int64_t b = 0; b < n / block; b++, src += block, levels += block) {
        const __m512 low = _mm512_loadu_ps(src), high = _mm512_loadu_ps(src + 16);
        const float largest = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
        const __m512 inverse = _mm512_set1_ps(largest > 0 ? 127 / largest : 0);
        const __m512i l = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse)), h = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
        steps[b] = largest / 127;
        if (sums) sums[b] = steps[b] * float(_mm512_reduce_add_epi32(_mm512_add_epi32(l, h)));
        const __m512i offset = _mm512_set1_epi32(128);
        _mm_storeu_si128(reinterpret_cast<__m128i *>(levels), _mm512_cvtepi32_epi8(_mm512_add_epi32(l, offset)));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(levels + 16), _mm512_cvtepi32_epi8(_mm512_add_epi32(h, offset)));
    }
}

void widen(int64_t n, const uint8_t * levels, const float * steps, float * dst) {
    const __m512i offset = _mm512_set1_epi32(128);
    for (int64_t i = 0; i < n; i += 16) {
        const __m512i level = _mm512_sub_epi32(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i *>(levels + i))), offset);
        _mm512_storeu_ps(dst + i, _mm512_mul_ps(_mm512_cvtepi32_ps(level), _mm512_set1_ps(steps[i / block])));
    }
}

// Four bytes along k are one element; 16 rows of such elements, transposed, are 16 columns of the panel.
void pack(int64_t k, const int8_t * src, int64_t lds, int8_t * panel, int64_t ldp, int32_t * corrections) {
    const __m512i offset = _mm512_set1_epi8(char(128));
    for (int64_t p = 0; p < k; p += 64) {
        alignas(64) float quads[16 * 16];
        transpose_block(reinterpret_cast<const float *>(src + p), lds / 4, quads, 16);
        for (int64_t b = p / block; b < (p + 64) / block && b < k / block; b++) {
            __m512i sum = _mm512_setzero_si512();
            for (int64_t q = 0; q < block / 4; q++) {
                const __m512i column = _mm512_load_si512(quads + (b % 2 * 8 + q) * 16);
                sum = _mm512_dpbusd_epi32(sum, offset, column);
                _mm512_storeu_si512(panel + (b * 8 + q) * ldp * 4, column);
            }
            _mm512_storeu_si512(corrections + b * ldp, _mm512_sub_epi32(_mm512_setzero_si512(), sum));
        }
    }
}

template <int M, int V>
inline void byte_tile(int64_t blocks, const ByteRows & a, const BytePanel & w, float * c, int64_t ldc, bool accumulate) {
    __m512 total[M][V];
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) total[i][v] = accumulate ? _mm512_loadu_ps(c + i * ldc + v * 16) : _mm512_setzero_ps();
    }
    for (int64_t b = 0; b < blocks; b++) {
        const int8_t * panel = w.levels + b * 8 * w.stride * 4;
        __m512i sum[M][V];
        for (int v = 0; v < V; v++) {
            const __m512i start = _mm512_loadu_si512(w.corrections + b * w.stride + v * 16);
            for (int i = 0; i < M; i++) sum[i][v] = start;
        }
#pragma GCC unroll 8
        for (int64_t q = 0; q < block / 4; q++) {
            __m512i columns[V];
            for (int v = 0; v < V; v++) columns[v] = _mm512_loadu_si512(panel + q * w.stride * 4 + v * 64);
            for (int i = 0; i < M; i++) {
                int32_t four;
                std::memcpy(&four, a.levels + i * a.stride + b * block + q * 4, 4);
                const __m512i x = _mm512_set1_epi32(four);
                for (int v = 0; v < V; v++) sum[i][v] = _mm512_dpbusd_epi32(sum[i][v], x, columns[v]);
            }
        }
        for (int v = 0; v < V; v++) {
            const __m512 scales = _mm512_loadu_ps(w.scales + b * w.stride + v * 16);
            for (int i = 0; i < M; i++) {
                const __m512 scale = scales * _mm512_set1_ps(a.steps[i * a.blocks + b]);
                total[i][v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[i][v]), scale, total[i][v]);
            }
        }
        if (!w.minima) continue;
        for (int v = 0; v < V; v++) {
            const __m512 minima = _mm512_loadu_ps(w.minima + b * w.stride + v * 16);
            for (int i = 0; i < M; i++) total[i][v] = _mm512_fmadd_ps(minima, _mm512_set1_ps(a.sums[i * a.blocks + b]), total[i][v]);
        }
    }
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) _mm512_storeu_ps(c + i * ldc + v * 16, total[i][v]);
    }
}

template <int V>
inline void byte_column(int64_t m, int64_t blocks, const ByteRows & a, const BytePanel & w, float * c, int64_t ldc, bool accumulate) {
    const auto from = [&](int64_t i) { return ByteRows{a.levels + i * a.stride, a.stride, a.steps + i * a.blocks, a.sums + i * a.blocks, a.blocks}; };
    int64_t i = 0;
    for (; i + 6 <= m; i += 6) byte_tile<6, V>(blocks, from(i), w, c + i * ldc, ldc, accumulate);
    for (; i + 4 <= m; i += 4) byte_tile<4, V>(blocks, from(i), w, c + i * ldc, ldc, accumulate);
    for (; i + 2 <= m; i += 2) byte_tile<2, V>(blocks, from(i), w, c + i * ldc, ldc, accumulate);
    for (; i < m; i++) byte_tile<1, V>(blocks, from(i), w, c + i * ldc, ldc, accumulate);
}

void byte_gemm(int64_t m, int64_t n, int64_t k, const ByteRows & a, const BytePanel & w, float * c, int64_t ldc, bool accumulate) {
    const auto from = [&](int64_t j) {
        return BytePanel{w.levels + j * 4, w.scales + j, w.minima ? w.minima + j : nullptr, w.corrections + j, w.stride};
    };
    int64_t j = 0;
    for (; j + 32 <= n; j += 32) byte_column<2>(m, k / block, a, from(j), c + j, ldc, accumulate);
    for (; j < n; j += 16) byte_column<1>(m, k / block, a, from(j), c + j, ldc, accumulate);
}

// Block layouts: ggml's quants.h.
void levels_q8_0(const uint8_t * p, int64_t n, int8_t * levels, float * scales, float *, int64_t stride) {
    for (int64_t b = 0; b < n / 32; b++, p += 34, levels += 32) {
        scales[b * stride] = from_half(p);
        std::memcpy(levels, p + 2, 32);
    }
}

template <int zero>
inline void nibbles(const uint8_t * q, int8_t * low, int8_t * high, int64_t n) {
    const __m128i mask = _mm_set1_epi8(15), offset = _mm_set1_epi8(zero);
    for (int64_t j = 0; j < n; j += 16) {
        const __m128i both = _mm_loadu_si128(reinterpret_cast<const __m128i *>(q + j));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(low + j), _mm_sub_epi8(_mm_and_si128(both, mask), offset));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(high + j), _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(both, 4), mask), offset));
    }
}

void levels_q4_0(const uint8_t * p, int64_t n, int8_t * levels, float * scales, float *, int64_t stride) {
    for (int64_t b = 0; b < n / 32; b++, p += 18, levels += 32) {
        scales[b * stride] = from_half(p);
        nibbles<8>(p + 2, levels, levels + 16, 16);
    }
}

void levels_q4_1(const uint8_t * p, int64_t n, int8_t * levels, float * scales, float * minima, int64_t stride) {
    for (int64_t b = 0; b < n / 32; b++, p += 20, levels += 32) {
        scales[b * stride] = from_half(p);
        minima[b * stride] = from_half(p + 2);
        nibbles<0>(p + 4, levels, levels + 16, 16);
    }
}

// Scales and minima of the eight blocks of 32 that a K-quant has.
void k_scales(const uint8_t * p, float * scales, float * minima, int64_t stride) {
    const float d = from_half(p), dmin = from_half(p + 2);
    for (int j = 0; j < 8; j++) {
        uint8_t scale, minimum;
        scale_and_minimum(j, p + 4, scale, minimum);
        scales[j * stride] = d * float(scale);
        minima[j * stride] = -dmin * float(minimum);
    }
}

void levels_q4_k(const uint8_t * p, int64_t n, int8_t * levels, float * scales, float * minima, int64_t stride) {
    for (int64_t i = 0; i < n / 256; i++, p += 144, levels += 256, scales += 8 * stride, minima += 8 * stride) {
        k_scales(p, scales, minima, stride);
        for (int j = 0; j < 4; j++) nibbles<0>(p + 16 + 32 * j, levels + 64 * j, levels + 64 * j + 32, 32);
    }
}

void levels_q5_k(const uint8_t * p, int64_t n, int8_t * levels, float * scales, float * minima, int64_t stride) {
    for (int64_t i = 0; i < n / 256; i++, p += 176, levels += 256, scales += 8 * stride, minima += 8 * stride) {
        k_scales(p, scales, minima, stride);
        for (int j = 0; j < 4; j++) {
            int8_t * low = levels + 64 * j, * high = low + 32;
            nibbles<0>(p + 48 + 32 * j, low, high, 32);
            for (int l = 0; l < 32; l++) {
                const int fifth = p[16 + l] >> (2 * j);
                low[l] = int8_t(low[l] | (fifth & 1) << 4);
                high[l] = int8_t(high[l] | (fifth >> 1 & 1) << 4);
            }
        }
    }
}

ByteFormat format(ggml_type type) {
    switch (type) {
        case GGML_TYPE_Q8_0: return {levels_q8_0, false};
        case GGML_TYPE_Q4_0: return {levels_q4_0, false};
        case GGML_TYPE_Q4_1: return {levels_q4_1, true};
        case GGML_TYPE_Q4_K: return {levels_q4_k, true};
        case GGML_TYPE_Q5_K: return {levels_q5_k, true};
        default: return {nullptr, false};
    }
}

} // namespace

extern const ByteKernels avx512vnni_kernels;
const ByteKernels avx512vnni_kernels = {"avx512vnni", format, quantise, widen, pack, byte_gemm};
} // namespace argot
