// Causal attention within each segment of a pack: what is packed together never attends across.
#pragma once

#include "attention_half.h"
#include "matmul.h"

namespace argot {

struct Segment {
    int64_t start, length;
};

/** q (n, heads·width), k and v (n, kv_heads·width), out as q. Nothing of size length² is kept. */
template <typename Real>
struct AttentionShape {
    int64_t heads, kv_heads, width;
    Real scale;
};

template <typename Real>
struct AttentionScratch {
    struct PerWorker {
        Buffer<Real> k_transposed, v_transposed, scores, d_scores;
        HalfHeadScratch half;
    };
    std::vector<PerWorker> worker;
    /** (n, heads·width): each query head's share of its key's and value's gradient, summed afterwards in a fixed order. */
    Buffer<Real> dk_heads, dv_heads;
};

template <typename Real>
void attention_forward(Machine<Real> & machine, const AttentionShape<Real> & shape, const std::vector<Segment> & segments, const Real * q,
                       const Real * k, const Real * v, Real * out, AttentionScratch<Real> & scratch);

/** Probabilities are computed again. dq, dk and dv are overwritten. */
template <typename Real>
void attention_backward(Machine<Real> & machine, const AttentionShape<Real> & shape, const std::vector<Segment> & segments, const Real * q,
                        const Real * k, const Real * v, const Real * d_out, Real * dq, Real * dk, Real * dv, AttentionScratch<Real> & scratch);

} // namespace argot
