// The arithmetic that costs time, as one table of functions for each instruction set.
//
// `portable.h` is the reference: plain loops, any real type. `simd.h` is the same arithmetic on vectors, compiled once
// for each instruction set and chosen at run time (dispatch.cpp). tests/kernels.cpp holds every table to the reference.
#pragma once

#include "ggml.h"

#include <cstddef>
#include <cstdint>

namespace argot {

/** All matrices are row-major; a stride counts elements. */
template <typename Real>
struct Kernels {
    const char * name;

    /** C (m, n) = [C +] A (m, k) · B (k, n). A may be transposed: element (i, j) is a[i * a_row + j * a_col]. */
    void (*gemm)(int64_t m, int64_t n, int64_t k, const Real * a, int64_t a_row, int64_t a_col,
                 const Real * b, int64_t ldb, Real * c, int64_t ldc, bool accumulate);

    /** dst (cols, rows) = srcᵀ, src (rows, cols) of dequantised weights. */
    void (*transpose)(int64_t rows, int64_t cols, const float * src, int64_t lds, Real * dst, int64_t ldd);

    /** y = x / rms(x) * weight over one row; rms(x)² = mean(x²) + eps. */
    void (*rms_norm)(int64_t n, const Real * x, const float * weight, Real eps, Real * y);
    /** dx += the gradient of rms_norm at x for dy. */
    void (*rms_norm_backward)(int64_t n, const Real * x, const float * weight, Real eps, const Real * dy, Real * dx);

    /** out = silu(gate) * up. */
    void (*swiglu)(int64_t n, const Real * gate, const Real * up, Real * out);
    /** gate and up become their gradients for d_out. */
    void (*swiglu_backward)(int64_t n, const Real * d_out, Real * gate, Real * up);

    /** row = softmax(row * scale). */
    void (*softmax)(int64_t n, Real scale, Real * row);
    /** d = p * (d - Σ p d) * scale: from the gradient of probabilities to that of unscaled scores. */
    void (*softmax_backward)(int64_t n, Real scale, const Real * p, Real * d);

    /** Returns log Σ exp(logits). */
    Real (*log_sum_exp)(int64_t n, const Real * logits);
    /** sums += softmax(logits), given their log_sum_exp. */
    void (*add_softmax)(int64_t n, Real lse, const Real * logits, Real * sums);
    /** logits = weight * (softmax(logits) - onehot(label)), given their log_sum_exp. */
    void (*cross_entropy_backward)(int64_t n, Real lse, Real weight, int64_t label, Real * logits);

    /** y += x. */
    void (*add)(int64_t n, const Real * x, Real * y);
};

/**
 * Products in bfloat16 with float32 sums, where the machine multiplies them natively. Rounding to 8 bits of mantissa touches
 * dequantised weights, and activations inside a product and between the two passes.
 */
struct HalfKernels {
    const char * name;
    /** dst = bfloat16(src), to nearest even. */
    void (*convert)(int64_t n, const float * src, uint16_t * dst);
    /** Back again, exactly. */
    void (*widen)(int64_t n, const uint16_t * src, float * dst);
    /** panel (k / 2, cols, 2) from src (cols rows, k) : the pairs along k that one instruction multiplies. */
    void (*pack_rows)(int64_t cols, int64_t k, const float * src, int64_t lds, uint16_t * panel, int64_t ldp);
    /** The same panel from src (k, cols): two source rows make one row of pairs. */
    void (*pack_columns)(int64_t k, int64_t cols, const float * src, int64_t lds, uint16_t * panel, int64_t ldp);
    /** C (m, n) = [C +] A (m, k) · panel; k even, n a multiple of 16; ldp counts pairs. */
    void (*gemm)(int64_t m, int64_t n, int64_t k, const uint16_t * a, int64_t lda, const uint16_t * panel, int64_t ldp,
                 float * c, int64_t ldc, bool accumulate);
};

/** Elements that share a step. */
constexpr int64_t byte_block = 32;

/** How weights of a type become bytes: element = scale · level + minimum, the last two of each block. */
struct ByteFormat {
    /** Elements [0, n) of `src`; block b's scale goes to scales[b * stride], its minimum to minima[b * stride]. Null: no such form. */
    void (*decode)(const uint8_t * src, int64_t n, int8_t * levels, float * scales, float * minima, int64_t stride);
    bool minima;
};

/** Activations (m, k): level - 128 times the block's step is the element, `sums` the sum of a block's elements. */
struct ByteRows {
    const uint8_t * levels;
    int64_t stride;
    const float * steps, * sums;
    /** Of steps and sums, from row to row. */
    int64_t blocks;
};

/** Weights, transposed: levels (k / 4, stride, 4); the others (k / 32, stride). */
struct BytePanel {
    const int8_t * levels;
    const float * scales;
    /** Null where the format has none. */
    const float * minima;
    /** -128 · the sum of a block's levels: what the levels of activations have too much. */
    const int32_t * corrections;
    int64_t stride;
};

/**
 * Products in bytes with sums in whole numbers, for weights that are stored in few bits: exact but for the rounding of activations to
 * 255 levels a block, which is what ggml does to them when it completes.
 */
struct ByteKernels {
    const char * name;
    ByteFormat (*format)(ggml_type type);
    /** n is a multiple of the block; `sums` may be null. */
    void (*quantise)(int64_t n, const float * src, uint8_t * levels, float * steps, float * sums);
    /** Back again, as rounded. */
    void (*widen)(int64_t n, const uint8_t * levels, const float * steps, float * dst);
    /** 16 columns of a panel from as many rows of k levels; src is read to the next multiple of 64. */
    void (*pack)(int64_t k, const int8_t * src, int64_t lds, int8_t * panel, int64_t ldp, int32_t * corrections);
    /** C (m, n) = [C +] A (m, k) · panel; k a multiple of the block, n of 16. */
    void (*gemm)(int64_t m, int64_t n, int64_t k, const ByteRows & a, const BytePanel & panel, float * c, int64_t ldc, bool accumulate);
};

template <typename Real>
const Kernels<Real> & portable_kernels();

/** The table named `portable`, `neon`, `sse`, `avx2` or `avx512`; null where this processor or build lacks it. */
const Kernels<float> * find_kernels(const char * name);
/** The fastest table that this processor runs. */
const Kernels<float> & best_kernels();
/** Null where the processor has no bfloat16 products. */
const HalfKernels * half_kernels();
/** Null where the processor has no products of bytes, or none of bfloat16: these are for the forward pass, those for the other. */
const ByteKernels * byte_kernels();

} // namespace argot
