// Products of bfloat16 pairs (VDPBF16PS): twice the rate of float32 on processors that have it.
#define ARGOT_WIDTH 16
#include "simd.h"

#include <immintrin.h>

namespace argot {
namespace {

void convert(int64_t n, const float * src, uint16_t * dst) {
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256bh h = _mm512_cvtneps_pbh(_mm512_loadu_ps(src + i));
        std::memcpy(dst + i, &h, sizeof h);
    }
    if (i < n) {
        const __mmask16 rest = __mmask16((1u << (n - i)) - 1);
        const __m256bh h = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(rest, src + i));
        std::memcpy(dst + i, &h, size_t(n - i) * 2);
    }
}

void widen(int64_t n, const uint16_t * src, float * dst) {
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = uint32_t(src[i]) << 16;
        std::memcpy(dst + i, &bits, 4);
    }
}

// A row of floats becomes a row of pairs; 16 such rows, transposed as 32-bit elements, are 16 columns of the panel.
void pack_rows(int64_t cols, int64_t k, const float * src, int64_t lds, uint16_t * panel, int64_t ldp) {
    alignas(64) float pairs[16 * 16];
    for (int64_t j = 0; j < cols; j += 16) {
        for (int64_t p = 0; p < k; p += 32) {
            const int64_t width = k - p < 32 ? k - p : 32;
            for (int64_t r = 0; r < 16; r++) {
                if (width < 32) std::memset(pairs + r * 16, 0, 64);
                if (j + r < cols) convert(width, src + (j + r) * lds + p, reinterpret_cast<uint16_t *>(pairs + r * 16));
                else std::memset(pairs + r * 16, 0, 64);
            }
            float * out = reinterpret_cast<float *>(panel) + (p / 2) * ldp + j;
            if (width == 32) {
                transpose_block(pairs, 16, out, ldp);
            } else {
                for (int64_t q = 0; q < (width + 1) / 2; q++) {
                    for (int64_t r = 0; r < 16; r++) std::memcpy(out + q * ldp + r, pairs + r * 16 + q, 4);
                }
            }
        }
    }
}

void pack_columns(int64_t k, int64_t cols, const float * src, int64_t lds, uint16_t * panel, int64_t ldp) {
    const __m512i low = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    for (int64_t p = 0; p < k; p += 2) {
        const float * even = src + p * lds;
        const float * odd = even + lds;
        for (int64_t j = 0; j < cols; j += 16) {
            const __mmask16 have = cols - j >= 16 ? __mmask16(0xffff) : __mmask16((1u << (cols - j)) - 1);
            const __m512 x = _mm512_maskz_loadu_ps(have, even + j);
            const __m512 y = p + 1 < k ? _mm512_maskz_loadu_ps(have, odd + j) : _mm512_setzero_ps();
            const __m512bh both = _mm512_cvtne2ps_pbh(y, x);
            __m512i bits;
            std::memcpy(&bits, &both, sizeof bits);
            bits = _mm512_permutexvar_epi16(low, bits);
            std::memcpy(panel + ((p / 2) * ldp + j) * 2, &bits, sizeof bits);
        }
    }
}

template <int M, int V>
inline void half_tile(int64_t pairs, const uint16_t * a, int64_t lda, const uint16_t * panel, int64_t ldp, float * c,
                      int64_t ldc, bool accumulate) {
    __m512 acc[M][V];
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) acc[i][v] = accumulate ? _mm512_loadu_ps(c + i * ldc + v * 16) : _mm512_setzero_ps();
    }
    for (int64_t p = 0; p < pairs; p++) {
        __m512i b[V];
        for (int v = 0; v < V; v++) b[v] = _mm512_loadu_si512(panel + v * 32);
        for (int i = 0; i < M; i++) {
            int32_t pair;
            std::memcpy(&pair, a + i * lda, 4);
            const __m512i x = _mm512_set1_epi32(pair);
            for (int v = 0; v < V; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], (__m512bh)x, (__m512bh)b[v]);
        }
        a += 2;
        panel += ldp * 2;
    }
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) _mm512_storeu_ps(c + i * ldc + v * 16, acc[i][v]);
    }
}

template <int V>
inline void half_column(int64_t m, int64_t pairs, const uint16_t * a, int64_t lda, const uint16_t * panel, int64_t ldp,
                        float * c, int64_t ldc, bool accumulate) {
    int64_t i = 0;
    for (; i + 6 <= m; i += 6) half_tile<6, V>(pairs, a + i * lda, lda, panel, ldp, c + i * ldc, ldc, accumulate);
    for (; i + 4 <= m; i += 4) half_tile<4, V>(pairs, a + i * lda, lda, panel, ldp, c + i * ldc, ldc, accumulate);
    for (; i + 2 <= m; i += 2) half_tile<2, V>(pairs, a + i * lda, lda, panel, ldp, c + i * ldc, ldc, accumulate);
    for (; i < m; i++) half_tile<1, V>(pairs, a + i * lda, lda, panel, ldp, c + i * ldc, ldc, accumulate);
}

void half_gemm(int64_t m, int64_t n, int64_t k, const uint16_t * a, int64_t lda, const uint16_t * panel, int64_t ldp,
               float * c, int64_t ldc, bool accumulate) {
    int64_t j = 0;
    for (; j + 64 <= n; j += 64) half_column<4>(m, k / 2, a, lda, panel + j * 2, ldp, c + j, ldc, accumulate);
    for (; j < n; j += 16) half_column<1>(m, k / 2, a, lda, panel + j * 2, ldp, c + j, ldc, accumulate);
}

} // namespace

extern const HalfKernels avx512bf16_kernels;
const HalfKernels avx512bf16_kernels = {"avx512bf16", convert, widen, pack_rows, pack_columns, half_gemm};
} // namespace argot
