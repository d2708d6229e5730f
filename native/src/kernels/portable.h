// The reference: every kernel as a loop that reads like its formula.
#pragma once

#include "kernels.h"

#include <cmath>

namespace argot {

template <typename Real>
struct Portable {
    static void gemm(int64_t m, int64_t n, int64_t k, const Real * a, int64_t a_row, int64_t a_col, const Real * b,
                     int64_t ldb, Real * c, int64_t ldc, bool accumulate) {
        for (int64_t i = 0; i < m; i++) {
            Real * ci = c + i * ldc;
            if (!accumulate) {
                for (int64_t j = 0; j < n; j++) ci[j] = 0;
            }
            for (int64_t p = 0; p < k; p++) {
                const Real aip = a[i * a_row + p * a_col];
                const Real * bp = b + p * ldb;
                for (int64_t j = 0; j < n; j++) ci[j] += aip * bp[j];
            }
        }
    }

    static void transpose(int64_t rows, int64_t cols, const float * src, int64_t lds, Real * dst, int64_t ldd) {
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t j = 0; j < cols; j++) dst[j * ldd + i] = src[i * lds + j];
        }
    }

    static Real inverse_rms(int64_t n, const Real * x, Real eps) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += double(x[i]) * double(x[i]);
        return Real(1 / std::sqrt(sum / double(n) + double(eps)));
    }

    static void rms_norm(int64_t n, const Real * x, const float * weight, Real eps, Real * y) {
        const Real r = inverse_rms(n, x, eps);
        for (int64_t i = 0; i < n; i++) y[i] = x[i] * r * Real(weight[i]);
    }

    // With x̂ = x·r and g = dy·weight: dx = r (g - x̂ mean(g x̂)).
    static void rms_norm_backward(int64_t n, const Real * x, const float * weight, Real eps, const Real * dy, Real * dx) {
        const Real r = inverse_rms(n, x, eps);
        double dot = 0;
        for (int64_t i = 0; i < n; i++) dot += double(dy[i]) * double(weight[i]) * double(x[i]);
        const Real mean = Real(dot / double(n)) * r;
        for (int64_t i = 0; i < n; i++) dx[i] += r * (dy[i] * Real(weight[i]) - x[i] * r * mean);
    }

    static void swiglu(int64_t n, const Real * gate, const Real * up, Real * out) {
        for (int64_t i = 0; i < n; i++) out[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
    }

    // silu'(x) = s (1 + x (1 - s)), s = sigmoid(x).
    static void swiglu_backward(int64_t n, const Real * d_out, Real * gate, Real * up) {
        for (int64_t i = 0; i < n; i++) {
            const Real x = gate[i];
            const Real s = 1 / (1 + std::exp(-x));
            gate[i] = d_out[i] * up[i] * s * (1 + x * (1 - s));
            up[i] = d_out[i] * x * s;
        }
    }

    static void softmax(int64_t n, Real scale, Real * row) {
        Real max = row[0];
        for (int64_t i = 1; i < n; i++) max = row[i] > max ? row[i] : max;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) {
            row[i] = std::exp((row[i] - max) * scale);
            sum += double(row[i]);
        }
        for (int64_t i = 0; i < n; i++) row[i] = Real(double(row[i]) / sum);
    }

    static void softmax_backward(int64_t n, Real scale, const Real * p, Real * d) {
        double dot = 0;
        for (int64_t i = 0; i < n; i++) dot += double(p[i]) * double(d[i]);
        for (int64_t i = 0; i < n; i++) d[i] = p[i] * (d[i] - Real(dot)) * scale;
    }

    static Real log_sum_exp(int64_t n, const Real * logits) {
        Real max = logits[0];
        for (int64_t i = 1; i < n; i++) max = logits[i] > max ? logits[i] : max;
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += std::exp(double(logits[i] - max));
        return max + Real(std::log(sum));
    }

    static void add_softmax(int64_t n, Real lse, const Real * logits, Real * sums) {
        for (int64_t i = 0; i < n; i++) sums[i] += std::exp(logits[i] - lse);
    }

    static void cross_entropy_backward(int64_t n, Real lse, Real weight, int64_t label, Real * logits) {
        for (int64_t i = 0; i < n; i++) logits[i] = weight * std::exp(logits[i] - lse);
        logits[label] -= weight;
    }

    static void add(int64_t n, const Real * x, Real * y) {
        for (int64_t i = 0; i < n; i++) y[i] += x[i];
    }

    static constexpr Kernels<Real> table = {
        "portable", gemm,    transpose,        rms_norm,    rms_norm_backward,      swiglu, swiglu_backward,
        softmax,    softmax_backward, log_sum_exp, add_softmax, cross_entropy_backward, add,
    };
};

} // namespace argot
