// One decoder layer, forward and backward beside each other.
//
//   h = norm(x)   q, k, v = h·W + bias   [q, k = norm per head]   rotate   a = attention(q, k, v)
//   m = x + a·Wo  g, u = norm(m)·W       y = m + (silu(g)·u)·Wd
#pragma once

#include "network.h"

namespace argot {

template <typename Real>
void layer_forward(Network<Real> & network, const Pack & pack, size_t index, const Real * x, Activations<Real> & act, Real * y);

/** d holds the gradient at the layer's output and becomes that at its input; the latter is skipped for the first layer. */
template <typename Real>
void layer_backward(Network<Real> & network, const Pack & pack, size_t index, const Real * x, Activations<Real> & act, Real * d,
                    const std::vector<GradientSlot<Real>> & slots);

template <typename Real>
void norm_rows(Network<Real> & network, const Real * x, const std::vector<float> & weight, int64_t rows, Real * y);

} // namespace argot
