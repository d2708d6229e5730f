// The adapters of one matrix during a forward and a backward pass.
//
//   u  (n, rank) = scale · x Aᵀ          y += u Bᵀ
//   du (n, rank) = scale · dy B          dx += du A,   dA = duᵀ x,   dBᵀ = uᵀ dy
//
// Several adapters stand side by side as one of a larger rank; the one that trains comes first.
#pragma once

#include "adapter.h"
#include "attention.h"
#include "matmul.h"

namespace argot {

template <typename Real>
struct LoraStack {
    int64_t rank = 0;
    /** The rank rounded up to whole vectors; the rest is zero. */
    int64_t padded = 0;
    /** Leading rows that train. */
    int64_t trained = 0;
    /** One for each of the padded columns of u and du. */
    std::vector<Real> scale;
    const Real * a = nullptr;            // (rank, in)
    const Real * b_transposed = nullptr; // (rank, out)
    /** What they point to where frozen adapters stand beside the one that trains; else that one's parameters themselves. */
    Buffer<Real> beside_a, beside_b;
};

/** Where in a flat vector of parameters a matrix pair lies: A (rank, in), then Bᵀ (rank, out). */
struct PairPlace {
    int64_t layer, target, a, b, in, out;
};
struct ParameterLayout {
    int64_t rank = 0, total = 0;
    std::vector<PairPlace> places;
};
ParameterLayout parameter_layout(const Model & model, const AdapterShape & shape);
std::vector<float> gather(const Adapter & adapter, const ParameterLayout & layout);
/** Overwrites the adapter's pairs, whatever size they have. */
void scatter(const std::vector<float> & parameters, const ParameterLayout & layout, Adapter & adapter);

struct FrozenAdapter {
    Adapter adapter;
    /** Multiplies the adapter's own alpha / rank. */
    float scale;
};

/** Lays the frozen adapters behind `trained` rows that are still empty. */
template <typename Real>
LoraStack<Real> stack_adapters(const Weight & weight, int64_t layer, int64_t target, int64_t trained, float trained_scale,
                               const std::vector<FrozenAdapter> & frozen);
/** The parameters must stay where they are while the stack is used. */
template <typename Real>
void set_trained(LoraStack<Real> & stack, const Weight & weight, const Real * a, const Real * b_transposed);

/** Inverted dropout of the adapter's input. The mask is a function of these numbers, so nothing is stored for it. */
struct Dropout {
    float rate = 0;
    uint64_t seed = 0, stream = 0;
};

/** Gradients of segments [first, last) of a pack go to one flat vector. */
template <typename Real>
struct GradientSlot {
    int64_t start, length;
    Real * gradient;
};

template <typename Real>
struct LoraScratch {
    /** The matrix at hand turned round; as bfloat16 pairs where the machine multiplies those. Kept for each matrix it would double them. */
    Buffer<Real> turned; // (in or out, padded)
    Buffer<uint16_t> turned_half;
    Buffer<Real> du, dropped, masked, u_dropped;
    Operand<Real> low, dropped_operand;
};

/** left · right as multiply_forward and multiply_backward take it; `left` (n, stride) has zeros behind its rank. */
template <typename Real>
LowRank<Real> low_rank(Machine<Real> & machine, LoraScratch<Real> & scratch, const Real * left, int64_t n, int64_t stride, const Real * right,
                       int64_t skipped, int64_t rank, int64_t columns);

/** u for x; x.data (n, in). */
template <typename Real>
void lora_forward(Machine<Real> & machine, const LoraStack<Real> & stack, const Operand<Real> & x, const Dropout & dropout, Real * u,
                  LoraScratch<Real> & scratch);

struct Trains {
    bool a = true, b = true;
};

/** Adds the pair's gradients into each slot and, unless dx is null, dx [+]= dy · (W + the adapters). */
template <typename Real>
void linear_backward(Machine<Real> & machine, const Weight & weight, const LoraStack<Real> & stack, const PairPlace * place, Trains trains,
                     const Real * x, const Real * u, const Operand<Real> & dy, const Dropout & dropout,
                     const std::vector<GradientSlot<Real>> & slots, Real * dx, bool accumulate, LoraScratch<Real> & scratch);

} // namespace argot
