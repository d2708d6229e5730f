// Products with the model's weights, which stay as they are in the file: a panel is decoded, used for every token and
// forgotten. There is never a second copy of the model, nor a transposed one.
#pragma once

#include "buffer.h"
#include "kernels/kernels.h"
#include "model.h"
#include "threads.h"

#include <functional>
#include <vector>

namespace argot {

class Offload;

/**
 * What a product is computed with. `half` is null for float32 arithmetic, `bytes` where the forward pass multiplies no bytes, `offload`
 * where no device multiplies by the weights; all of them always for Real = double.
 */
template <typename Real>
struct Machine {
    const Kernels<Real> * kernels;
    const HalfKernels * half;
    const ByteKernels * bytes;
    Threads * threads;
    Offload * offload;
    struct Scratch {
        Buffer<float> rows;
        Buffer<Real> panel;
        Buffer<uint16_t> half_panel;
        Buffer<int8_t> levels, byte_panel;
        Buffer<float> scales, minima;
        Buffer<int32_t> corrections;
    };
    std::vector<Scratch> scratch;
};

template <typename Real>
Machine<Real> make_machine(const Kernels<Real> & kernels, const HalfKernels * half, const ByteKernels * bytes, Threads & threads, Offload * offload = nullptr);

/** Runs body(first, last, worker) over [0, n) in pieces of `grain`. */
void over_rows(Threads & threads, int64_t n, int64_t grain, const std::function<void(int64_t, int64_t, int)> & body);

/** A matrix of activations (rows, cols), beside its copy in bfloat16 where the machine multiplies those. */
template <typename Real>
struct Operand {
    const Real * data;
    int64_t rows, cols;
    const uint16_t * half = nullptr;
    int64_t half_stride = 0;
    /** The weight's rows that the columns belong to in multiply_backward; null: all of them. */
    const int32_t * chosen = nullptr;
    /** What `half` points to after prepare. */
    Buffer<uint16_t> rounded;
    /** In bytes, after prepare_forward: see ByteRows. */
    Buffer<uint8_t> levels;
    Buffer<float> steps, sums;
};
template <typename Real>
void prepare(Machine<Real> & machine, Operand<Real> & operand, const Real * data, int64_t rows, int64_t cols);
/** The same for what multiply_forward takes. */
template <typename Real>
void prepare_forward(Machine<Real> & machine, Operand<Real> & operand, const Real * data, int64_t rows, int64_t cols);

/** A product of low rank that is added to the one with the weights while its panel is in the cache: left · right. */
template <typename Real>
struct LowRank {
    const Real * left = nullptr;  // (rows, rank) with stride `stride`
    const Real * right = nullptr; // (rank, columns of the result)
    int64_t rank = 0, stride = 0;
    /** `left` in bfloat16, or null: see prepare. */
    const uint16_t * half = nullptr;
};

/** Whether multiply_backward reads only the bfloat16 copy of dy. */
template <typename Real>
bool backward_is_half(const Machine<Real> & machine, const Weight & weight) {
    return machine.half && !machine.offload && weight.rows % 2 == 0 && weight.cols % 16 == 0;
}

/** y (n, out) = x (n, in) · Wᵀ + bias + low. */
template <typename Real>
void multiply_forward(Machine<Real> & machine, const Linear & linear, const Operand<Real> & x, const LowRank<Real> & low, Real * y);

/** dx (n, in) = [dx +] dy (n, out) · W + low. */
template <typename Real>
void multiply_backward(Machine<Real> & machine, const Weight & weight, const Operand<Real> & dy, const LowRank<Real> & low, Real * dx, bool accumulate);

} // namespace argot
