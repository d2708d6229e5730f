// The kernels on vectors of ARGOT_WIDTH floats, in the compiler's vector extension, so that one text serves NEON (4),
// AVX2 (8) and AVX-512 (16). Each instruction set's file defines ARGOT_WIDTH, includes this once and exports `table`.
//
// Everything is in an unnamed namespace and uses no library template: the linker must never merge a function that was
// compiled for a larger instruction set into code that runs on a smaller one.
//
// Whatever the number of threads, each element of a result is summed by one thread in one order.

#include "kernels.h"

#include <cmath>
#include <cstring>

namespace argot {
namespace {

constexpr int64_t W = ARGOT_WIDTH;
typedef float Vec __attribute__((vector_size(4 * ARGOT_WIDTH)));
typedef int32_t IVec __attribute__((vector_size(4 * ARGOT_WIDTH)));
// Rows and vectors of the tile that one micro-kernel holds in registers.
constexpr int TILE_ROWS = ARGOT_WIDTH == 16 ? 8 : 6;
constexpr int TILE_VECS = ARGOT_WIDTH == 16 ? 3 : 2;

inline Vec load(const float * p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}
inline void store(float * p, Vec v) { std::memcpy(p, &v, sizeof v); }
inline Vec splat(float x) { return Vec{} + x; }

inline float sum(Vec v) {
    float s = 0;
    for (int i = 0; i < W; i++) s += v[i];
    return s;
}

// c (M, V·W) = [c +] a (M, k) · b (k, V·W).
template <int M, int V>
inline void tile(int64_t k, const float * a, int64_t a_row, int64_t a_col, const float * b, int64_t ldb, float * c,
                 int64_t ldc, bool accumulate) {
    Vec acc[M][V];
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) acc[i][v] = accumulate ? load(c + i * ldc + v * W) : Vec{};
    }
    for (int64_t p = 0; p < k; p++) {
        Vec bv[V];
        for (int v = 0; v < V; v++) bv[v] = load(b + v * W);
        for (int i = 0; i < M; i++) {
            const Vec x = splat(a[i * a_row]);
            for (int v = 0; v < V; v++) acc[i][v] += x * bv[v];
        }
        a += a_col;
        b += ldb;
    }
    for (int i = 0; i < M; i++) {
        for (int v = 0; v < V; v++) store(c + i * ldc + v * W, acc[i][v]);
    }
}

template <int V>
inline void tile_column(int64_t m, int64_t k, const float * a, int64_t a_row, int64_t a_col, const float * b,
                        int64_t ldb, float * c, int64_t ldc, bool accumulate) {
    int64_t i = 0;
    for (; i + TILE_ROWS <= m; i += TILE_ROWS) {
        tile<TILE_ROWS, V>(k, a + i * a_row, a_row, a_col, b, ldb, c + i * ldc, ldc, accumulate);
    }
    for (; i + 4 <= m; i += 4) tile<4, V>(k, a + i * a_row, a_row, a_col, b, ldb, c + i * ldc, ldc, accumulate);
    for (; i < m; i++) tile<1, V>(k, a + i * a_row, a_row, a_col, b, ldb, c + i * ldc, ldc, accumulate);
}

void gemm(int64_t m, int64_t n, int64_t k, const float * a, int64_t a_row, int64_t a_col, const float * b, int64_t ldb,
          float * c, int64_t ldc, bool accumulate) {
    int64_t j = 0;
    // 64 columns are one weight panel: with 16-wide vectors, 4 vectors and 6 rows fill the registers without a rest. The
    // eight rows of an adapter's gradient fill them better with 3 vectors.
    if (W == 16 && n % 64 == 0 && m > TILE_ROWS) {
        for (; j < n; j += 64) {
            int64_t i = 0;
            for (; i + 6 <= m; i += 6) tile<6, 4>(k, a + i * a_row, a_row, a_col, b + j, ldb, c + i * ldc + j, ldc, accumulate);
            for (; i + 2 <= m; i += 2) tile<2, 4>(k, a + i * a_row, a_row, a_col, b + j, ldb, c + i * ldc + j, ldc, accumulate);
            for (; i < m; i++) tile<1, 4>(k, a + i * a_row, a_row, a_col, b + j, ldb, c + i * ldc + j, ldc, accumulate);
        }
        return;
    }
    for (; j + TILE_VECS * W <= n; j += TILE_VECS * W) {
        tile_column<TILE_VECS>(m, k, a, a_row, a_col, b + j, ldb, c + j, ldc, accumulate);
    }
    for (; j + W <= n; j += W) tile_column<1>(m, k, a, a_row, a_col, b + j, ldb, c + j, ldc, accumulate);
    for (; j < n; j++) {
        for (int64_t i = 0; i < m; i++) {
            float s = accumulate ? c[i * ldc + j] : 0;
            for (int64_t p = 0; p < k; p++) s += a[i * a_row + p * a_col] * b[p * ldb + j];
            c[i * ldc + j] = s;
        }
    }
}

// Interleaving row i with row i + W/2, log2(W) times, transposes a W×W block.
inline void interleave(const Vec & x, const Vec & y, Vec & low, Vec & high) {
#if ARGOT_WIDTH == 16
    low = __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    high = __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif ARGOT_WIDTH == 8
    low = __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
    high = __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
#else
    low = __builtin_shufflevector(x, y, 0, 4, 1, 5);
    high = __builtin_shufflevector(x, y, 2, 6, 3, 7);
#endif
}

inline void transpose_block(const float * src, int64_t lds, float * dst, int64_t ldd) {
    Vec r[W], t[W];
    for (int i = 0; i < W; i++) r[i] = load(src + i * lds);
    for (int round = 1; round < W; round *= 2) {
        for (int i = 0; i < W / 2; i++) interleave(r[i], r[i + W / 2], t[2 * i], t[2 * i + 1]);
        for (int i = 0; i < W; i++) r[i] = t[i];
    }
    for (int i = 0; i < W; i++) store(dst + i * ldd, r[i]);
}

void transpose(int64_t rows, int64_t cols, const float * src, int64_t lds, float * dst, int64_t ldd) {
    const int64_t whole_rows = rows / W * W, whole_cols = cols / W * W;
    for (int64_t i = 0; i < whole_rows; i += W) {
        for (int64_t j = 0; j < whole_cols; j += W) transpose_block(src + i * lds + j, lds, dst + j * ldd + i, ldd);
        for (int64_t r = i; r < i + W; r++) {
            for (int64_t j = whole_cols; j < cols; j++) dst[j * ldd + r] = src[r * lds + j];
        }
    }
    for (int64_t i = whole_rows; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) dst[j * ldd + i] = src[i * lds + j];
    }
}

// exp(x) = 2ⁿ exp(f), |f| ≤ ln2/2, the second factor by its Taylor series to degree 7: within 2 units in the last
// place (tests/kernels.cpp). Below -87 the result would be subnormal and is 2⁻¹²⁶ or so; above 88 it stays finite.
inline Vec exp_vec(Vec x) {
    const Vec low = splat(-87.0f), high = splat(88.0f);
    x = x < low ? low : x;
    x = x > high ? high : x;
    const Vec t = x * 1.44269504f + 12582912.0f; // 1.5·2²³: rounds to the nearest integer in the low bits
    const Vec n = t - 12582912.0f;
    const Vec f = (x - n * 0.693145752f) - n * 1.42860677e-6f;
    Vec p = splat(1.98412698e-4f);
    p = p * f + 1.38888889e-3f;
    p = p * f + 8.33333333e-3f;
    p = p * f + 4.16666667e-2f;
    p = p * f + 1.66666667e-1f;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    IVec bits;
    std::memcpy(&bits, &t, sizeof bits);
    bits = (bits - 0x4b400000 + 127) << 23;
    Vec scale;
    std::memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

inline float exp_one(float x) { return exp_vec(splat(x))[0]; }

inline float inverse_rms(int64_t n, const float * x, float eps) {
    Vec acc = {};
    int64_t i = 0;
    for (; i + W <= n; i += W) acc += load(x + i) * load(x + i);
    float s = sum(acc);
    for (; i < n; i++) s += x[i] * x[i];
    return 1 / std::sqrt(s / float(n) + eps);
}

void rms_norm(int64_t n, const float * x, const float * weight, float eps, float * y) {
    const float r = inverse_rms(n, x, eps);
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * r * weight[i];
}

void rms_norm_backward(int64_t n, const float * x, const float * weight, float eps, const float * dy, float * dx) {
    const float r = inverse_rms(n, x, eps);
    Vec acc = {};
    int64_t i = 0;
    for (; i + W <= n; i += W) acc += load(dy + i) * load(weight + i) * load(x + i);
    float dot = sum(acc);
    for (; i < n; i++) dot += dy[i] * weight[i] * x[i];
    const float mean = dot / float(n) * r;
    for (i = 0; i < n; i++) dx[i] += r * (dy[i] * weight[i] - x[i] * r * mean);
}

void swiglu(int64_t n, const float * gate, const float * up, float * out) {
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        const Vec x = load(gate + i);
        store(out + i, x / (1.0f + exp_vec(-x)) * load(up + i));
    }
    for (; i < n; i++) out[i] = gate[i] / (1 + exp_one(-gate[i])) * up[i];
}

void swiglu_backward(int64_t n, const float * d_out, float * gate, float * up) {
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        const Vec x = load(gate + i), d = load(d_out + i), u = load(up + i);
        const Vec s = 1.0f / (1.0f + exp_vec(-x));
        store(gate + i, d * u * s * (1.0f + x * (1.0f - s)));
        store(up + i, d * x * s);
    }
    for (; i < n; i++) {
        const float x = gate[i], s = 1 / (1 + exp_one(-x));
        gate[i] = d_out[i] * up[i] * s * (1 + x * (1 - s));
        up[i] = d_out[i] * x * s;
    }
}

inline float max_of(int64_t n, const float * x) {
    Vec m = splat(x[0]);
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        const Vec v = load(x + i);
        m = v > m ? v : m;
    }
    float max = m[0];
    for (int k = 1; k < W; k++) max = m[k] > max ? m[k] : max;
    for (; i < n; i++) max = x[i] > max ? x[i] : max;
    return max;
}

void softmax(int64_t n, float scale, float * row) {
    const float max = max_of(n, row);
    Vec acc = {};
    int64_t i = 0;
    for (; i + W <= n; i += W) {
        const Vec e = exp_vec((load(row + i) - max) * scale);
        store(row + i, e);
        acc += e;
    }
    float s = sum(acc);
    for (; i < n; i++) {
        row[i] = exp_one((row[i] - max) * scale);
        s += row[i];
    }
    const float inverse = 1 / s;
    for (i = 0; i < n; i++) row[i] *= inverse;
}

void softmax_backward(int64_t n, float scale, const float * p, float * d) {
    Vec acc = {};
    int64_t i = 0;
    for (; i + W <= n; i += W) acc += load(p + i) * load(d + i);
    float dot = sum(acc);
    for (; i < n; i++) dot += p[i] * d[i];
    for (i = 0; i < n; i++) d[i] = p[i] * (d[i] - dot) * scale;
}

float log_sum_exp(int64_t n, const float * logits) {
    const float max = max_of(n, logits);
    double total = 0;
    int64_t i = 0;
    while (i + W <= n) {
        // A vocabulary is long: partial sums of 1024 keep the float part accurate.
        Vec acc = {};
        for (int64_t end = i + 1024; i + W <= n && i < end; i += W) acc += exp_vec(load(logits + i) - max);
        total += double(sum(acc));
    }
    for (; i < n; i++) total += double(exp_one(logits[i] - max));
    return max + float(std::log(total));
}

void add_softmax(int64_t n, float lse, const float * logits, float * sums) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(sums + i, load(sums + i) + exp_vec(load(logits + i) - lse));
    for (; i < n; i++) sums[i] += exp_one(logits[i] - lse);
}

void cross_entropy_backward(int64_t n, float lse, float weight, int64_t label, float * logits) {
    int64_t i = 0;
    for (; i + W <= n; i += W) store(logits + i, weight * exp_vec(load(logits + i) - lse));
    for (; i < n; i++) logits[i] = weight * exp_one(logits[i] - lse);
    logits[label] -= weight;
}

void add(int64_t n, const float * x, float * y) {
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

constexpr Kernels<float> simd_table(const char * name) {
    return {name,    gemm,    transpose,        rms_norm,    rms_norm_backward,      swiglu, swiglu_backward,
            softmax, softmax_backward, log_sum_exp, add_softmax, cross_entropy_backward, add};
}

} // namespace
} // namespace argot
