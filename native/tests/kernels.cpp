// Holds every kernel table that this processor runs to the portable reference in double precision, on sizes with and
// without remainders. Prints the largest error of each kernel; exits with 1 where one exceeds its bound.
#include "attention.h"
#include "ggml_api.h"
#include "kernels/decoders.h"
#include "kernels/kernels.h"
#include "random.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

using namespace argot;

#if defined(ARGOT_X86)
namespace argot {
extern Decoder avx2_decoder(ggml_type type);
}
#endif

namespace {

int failures = 0;
uint64_t stream = 0;

std::vector<float> random_values(int64_t n, float scale) {
    std::vector<float> values(static_cast<size_t>(n));
    stream++;
    for (int64_t i = 0; i < n; i++) values[size_t(i)] = scale * symmetric_uniform(philox(5, stream, uint64_t(i))[0]);
    return values;
}

std::vector<double> widened(const std::vector<float> & x) { return std::vector<double>(x.begin(), x.end()); }

// |got - want| relative to the largest |want|, or to `size` where the result is a small difference of such terms.
void hold(const char * table, const char * kernel, int64_t n, const std::vector<float> & got, const std::vector<double> & want, double bound,
          double size = 1e-30) {
    double largest = size, error = 0;
    for (const double w : want) largest = std::max(largest, std::fabs(w));
    for (size_t i = 0; i < want.size(); i++) error = std::max(error, std::isfinite(double(got[i])) ? std::fabs(double(got[i]) - want[i]) / largest : 1e9);
    if (error <= bound) return;
    std::printf("%s %s n=%lld: error %.3g above %.3g\n", table, kernel, static_cast<long long>(n), error, bound);
    failures++;
}

void check_gemm(const Kernels<float> & k, const Kernels<double> & reference) {
    for (const int64_t m : {1, 5, 8, 13, 31}) {
        for (const int64_t n : {1, 7, 16, 48, 64, 100, 128}) {
            for (const bool transposed : {false, true}) {
                for (const bool accumulate : {false, true}) {
                    const int64_t depth = 37;
                    const std::vector<float> a = random_values(m * depth, 1), b = random_values(depth * (n + 3), 1);
                    std::vector<float> c = random_values(m * (n + 2), 1);
                    std::vector<double> want = widened(c);
                    const std::vector<double> wa = widened(a), wb = widened(b);
                    const int64_t row = transposed ? 1 : depth, column = transposed ? m : 1;
                    k.gemm(m, n, depth, a.data(), row, column, b.data(), n + 3, c.data(), n + 2, accumulate);
                    reference.gemm(m, n, depth, wa.data(), row, column, wb.data(), n + 3, want.data(), n + 2, accumulate);
                    hold(k.name, "gemm", n, c, want, 1e-6);
                }
            }
        }
    }
}

void check_rows(const Kernels<float> & k, const Kernels<double> & reference, int64_t n) {
    const std::vector<float> x = random_values(n, 3), w = random_values(n, 1), dy = random_values(n, 1);
    const std::vector<double> wx = widened(x), wdy = widened(dy);
    std::vector<float> got(x.size());
    std::vector<double> want(x.size());
    k.rms_norm(n, x.data(), w.data(), 1e-5f, got.data());
    reference.rms_norm(n, wx.data(), w.data(), 1e-5, want.data());
    hold(k.name, "rms_norm", n, got, want, 1e-6);

    got = random_values(n, 1);
    want = widened(got);
    k.rms_norm_backward(n, x.data(), w.data(), 1e-5f, dy.data(), got.data());
    reference.rms_norm_backward(n, wx.data(), w.data(), 1e-5, wdy.data(), want.data());
    hold(k.name, "rms_norm_backward", n, got, want, 1e-6, 1);

    const std::vector<float> gate = random_values(n, 20), up = random_values(n, 2);
    std::vector<double> wgate = widened(gate), wup = widened(up);
    k.swiglu(n, gate.data(), up.data(), got.data());
    reference.swiglu(n, wgate.data(), wup.data(), want.data());
    hold(k.name, "swiglu", n, got, want, 1e-6);
    std::vector<float> dgate = gate, dup = up;
    k.swiglu_backward(n, dy.data(), dgate.data(), dup.data());
    reference.swiglu_backward(n, wdy.data(), wgate.data(), wup.data());
    hold(k.name, "swiglu_backward gate", n, dgate, wgate, 1e-6);
    hold(k.name, "swiglu_backward up", n, dup, wup, 1e-6);

    for (const float scale : {0.125f, 1.0f}) {
        got = random_values(n, 60);
        want = widened(got);
        k.softmax(n, scale, got.data());
        reference.softmax(n, double(scale), want.data());
        hold(k.name, "softmax", n, got, want, 1e-6);
        std::vector<float> d = dy;
        std::vector<double> wd = wdy;
        k.softmax_backward(n, scale, got.data(), d.data());
        reference.softmax_backward(n, double(scale), want.data(), wd.data());
        hold(k.name, "softmax_backward", n, d, wd, 3e-6, 1);
    }

    got = random_values(n, 30);
    want = widened(got);
    const float lse = k.log_sum_exp(n, got.data());
    const double want_lse = reference.log_sum_exp(n, want.data());
    hold(k.name, "log_sum_exp", n, {lse}, {want_lse}, 1e-6);
    std::vector<float> sums = random_values(n, 1);
    std::vector<double> want_sums = widened(sums);
    k.add_softmax(n, lse, got.data(), sums.data());
    reference.add_softmax(n, want_lse, want.data(), want_sums.data());
    hold(k.name, "add_softmax", n, sums, want_sums, 5e-6, 1);
    k.cross_entropy_backward(n, lse, 0.5f, n / 2, got.data());
    reference.cross_entropy_backward(n, want_lse, 0.5, n / 2, want.data());
    hold(k.name, "cross_entropy_backward", n, got, want, 5e-6, 0.5);

    for (const int64_t rows : {1, 9, 16, 33}) {
        const std::vector<float> m = random_values(rows * n, 1);
        std::vector<float> t(m.size());
        std::vector<double> wt(m.size());
        k.transpose(rows, n, m.data(), n, t.data(), rows);
        reference.transpose(rows, n, m.data(), n, wt.data(), rows);
        hold(k.name, "transpose", n, t, wt, 0);
    }
}

// bfloat16 keeps 8 bits: of rounded operands the product must be as exact as float32 allows.
float rounded(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff0000u;
    std::memcpy(&x, &bits, 4);
    return x;
}

void check_half(const HalfKernels & h, const Kernels<double> & reference) {
    for (const int64_t n : {16, 32, 64, 128}) {
        for (const int64_t depth : {2, 30, 64, 130}) {
            for (const int64_t m : {1, 6, 11}) {
                std::vector<float> a = random_values(m * depth, 1), w = random_values(n * depth, 1);
                for (float & x : a) x = rounded(x);
                for (float & x : w) x = rounded(x);
                std::vector<uint16_t> half(a.size()), panel(size_t((depth + 1) / 2 * 2 * n + 64));
                h.convert(m * depth, a.data(), half.data());
                std::vector<double> wa = widened(a), columns(size_t(depth * n)), want(size_t(m * n));
                std::vector<float> got(size_t(m * n)), transposed(size_t(depth * n));
                for (int64_t o = 0; o < n; o++) {
                    for (int64_t p = 0; p < depth; p++) transposed[size_t(p * n + o)] = w[size_t(o * depth + p)];
                }
                columns = widened(transposed);
                reference.gemm(m, n, depth, wa.data(), depth, 1, columns.data(), n, want.data(), n, false);
                h.pack_rows(n, depth, w.data(), depth, panel.data(), n);
                h.gemm(m, n, depth, half.data(), depth, panel.data(), n, got.data(), n, false);
                hold(h.name, "pack_rows", n, got, want, 1e-6);
                h.pack_columns(depth, n, transposed.data(), n, panel.data(), n);
                h.gemm(m, n, depth, half.data(), depth, panel.data(), n, got.data(), n, false);
                hold(h.name, "pack_columns", n, got, want, 1e-6);
            }
        }
    }
}

// Of rounded activations the product must be as exact as float32 allows: levels are whole numbers.
void check_bytes(const ByteKernels & bytes, const Ggml & ggml, const Kernels<double> & reference) {
    for (int t = 0; t < GGML_TYPE_COUNT; t++) {
        const ByteFormat format = bytes.format(ggml_type(t));
        if (!format.decode) continue;
        const ggml_type_traits * traits = ggml.type_traits(ggml_type(t));
        for (const int64_t n : {16, 32, 48, 64}) {
            for (const int64_t m : {1, 2, 4, 6, 11}) {
                for (const bool accumulate : {false, true}) {
                    const int64_t depth = traits->blck_size == 32 ? 96 : 256, blocks = depth / byte_block, stride = (depth + 63) / 64 * 64;
                    std::vector<float> x = random_values(m * depth, 1), w = random_values(n * depth, 1), got = random_values(m * n, 1);
                    // A block of zeros has no step.
                    std::fill_n(x.begin(), byte_block, 0.0f);
                    std::vector<double> want = widened(got), wx(x.size()), columns(w.size());
                    std::vector<uint8_t> levels(x.size()), encoded(size_t(n * depth / traits->blck_size) * traits->type_size);
                    std::vector<float> steps(size_t(m * blocks)), sums(steps.size()), scales(size_t(n * blocks)), minima(scales.size()), decoded(w.size());
                    ggml.quantize_chunk(ggml_type(t), w.data(), encoded.data(), 0, n, depth, nullptr);
                    traits->to_float(encoded.data(), decoded.data(), n * depth);
                    bytes.quantise(m * depth, x.data(), levels.data(), steps.data(), sums.data());
                    for (size_t i = 0; i < x.size(); i++) {
                        const double step = steps[i / byte_block];
                        wx[i] = step * (double(levels[i]) - 128);
                        if (std::fabs(wx[i] - double(x[i])) > 0.501 * step) failures++;
                    }
                    std::vector<float> again(x.size());
                    bytes.widen(m * depth, levels.data(), steps.data(), again.data());
                    hold(bytes.name, "widen", m * depth, again, wx, 1e-6);
                    std::vector<int8_t> rows(size_t(16 * stride)), panel(size_t(n * depth));
                    std::vector<int32_t> corrections(scales.size());
                    for (int64_t i = 0; i < n; i++) {
                        for (int64_t p = 0; p < depth; p++) columns[size_t(p * n + i)] = double(decoded[size_t(i * depth + p)]);
                        const uint8_t * src = encoded.data() + size_t(i * depth / traits->blck_size) * traits->type_size;
                        format.decode(src, depth, rows.data() + i % 16 * stride, scales.data() + i, minima.data() + i, n);
                        if (i % 16 == 15) bytes.pack(depth, rows.data(), stride, panel.data() + (i - 15) * 4, n, corrections.data() + i - 15);
                    }
                    reference.gemm(m, n, depth, wx.data(), depth, 1, columns.data(), n, want.data(), n, accumulate);
                    const BytePanel weights = {panel.data(), scales.data(), format.minima ? minima.data() : nullptr, corrections.data(), n};
                    bytes.gemm(m, n, depth, {levels.data(), depth, steps.data(), sums.data(), blocks}, weights, got.data(), n, accumulate);
                    hold(bytes.name, traits->type_name, n, got, want, 1e-6);
                }
            }
        }
        std::printf("%s %s checked\n", bytes.name, traits->type_name);
    }
}

// Attention in bfloat16 against attention in double: operands and probabilities are rounded to 8 bits. Two segments, the
// second shorter than what the first left in the buffers.
void check_half_attention(const HalfKernels & half) {
    Threads threads(2);
    Machine<float> machine = make_machine<float>(best_kernels(), &half, nullptr, threads);
    Machine<double> reference = make_machine<double>(portable_kernels<double>(), nullptr, nullptr, threads);
    for (const int64_t width : {16, 64}) {
        for (const int64_t length : {1, 2, 63, 64, 65, 131}) {
            const int64_t heads = 4, kv_heads = 2, n = 140 + length;
            const std::vector<Segment> segments = {{0, 140}, {140, length}};
            const std::vector<float> q = random_values(n * heads * width, 1), k = random_values(n * kv_heads * width, 1),
                                     v = random_values(n * kv_heads * width, 1), d = random_values(n * heads * width, 1);
            const std::vector<double> wq = widened(q), wk = widened(k), wv = widened(v), wd = widened(d);
            std::vector<float> out(q.size()), dq(q.size()), dk(k.size()), dv(v.size());
            std::vector<double> want(q.size()), want_dq(q.size()), want_dk(k.size()), want_dv(v.size());
            AttentionScratch<float> scratch;
            AttentionScratch<double> wide;
            const AttentionShape<float> shape = {heads, kv_heads, width, 1 / std::sqrt(float(width))};
            const AttentionShape<double> wide_shape = {heads, kv_heads, width, 1 / std::sqrt(double(width))};
            attention_forward(machine, shape, segments, q.data(), k.data(), v.data(), out.data(), scratch);
            attention_forward(reference, wide_shape, segments, wq.data(), wk.data(), wv.data(), want.data(), wide);
            hold(half.name, "attention", length, out, want, 0.01);
            attention_backward(machine, shape, segments, q.data(), k.data(), v.data(), d.data(), dq.data(), dk.data(), dv.data(), scratch);
            attention_backward(reference, wide_shape, segments, wq.data(), wk.data(), wv.data(), wd.data(), want_dq.data(), want_dk.data(), want_dv.data(), wide);
            hold(half.name, "attention dq", length, dq, want_dq, 0.01);
            hold(half.name, "attention dk", length, dk, want_dk, 0.01);
            hold(half.name, "attention dv", length, dv, want_dv, 0.01);
        }
    }
}

// Known answers of the generators: Random123's kat_vectors, and RFC 8439, 2.3.2 without its counter and nonce.
void check_random() {
    const auto zero = philox(0, 0, 0);
    if (zero != std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}) std::printf("philox(0) differs\n"), failures++;
    const auto ones = philox(~0ull, ~0ull, ~0ull);
    if (ones != std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}) std::printf("philox(~0) differs\n"), failures++;
    ChaCha chacha(std::array<uint32_t, 8>{});
    if (chacha.next() != 0xade0b876 || chacha.next() != 0x903df1a0) std::printf("chacha20 differs\n"), failures++;
    double sum = 0, squares = 0;
    const int n = 20000;
    for (int i = 0; i < n; i++) {
        const double g = chacha.gaussian();
        sum += g;
        squares += g * g;
    }
    // Five deviations of the mean and of the variance.
    if (std::fabs(sum / n) > 0.036 || std::fabs(squares / n - 1) > 0.05) std::printf("gaussian: mean %.4f variance %.4f\n", sum / n, squares / n), failures++;
}

// Every block of every type, under random bytes whose scales are finite, must decode to ggml's bits.
void check_decoders(const Ggml & ggml, Decoder (*find)(ggml_type)) {
    for (int t = 0; t < GGML_TYPE_COUNT; t++) {
        const Decoder decode = find(ggml_type(t));
        if (!decode) continue;
        const ggml_type_traits * traits = ggml.type_traits(ggml_type(t));
        const int64_t n = traits->blck_size == 1 ? 1003 : traits->blck_size * 50;
        std::vector<uint8_t> bytes(size_t(n / traits->blck_size) * traits->type_size);
        for (size_t i = 0; i < bytes.size(); i++) bytes[i] = uint8_t(philox(9, uint64_t(t), i)[0]);
        std::vector<float> got(static_cast<size_t>(n)), want(static_cast<size_t>(n));
        decode(bytes.data(), got.data(), n);
        traits->to_float(bytes.data(), want.data(), n);
        for (size_t i = 0; i < got.size(); i++) {
            if (std::memcmp(&got[i], &want[i], 4) == 0 || (std::isnan(got[i]) && std::isnan(want[i]))) continue;
            std::printf("%s decodes element %zu to %.9g, ggml to %.9g\n", traits->type_name, i, double(got[i]), double(want[i]));
            failures++;
            break;
        }
        std::printf("%s decoded\n", traits->type_name);
    }
}

} // namespace

int main(int argc, char ** argv) {
    const Kernels<double> & reference = portable_kernels<double>();
    for (const char * name : {"portable", "neon", "sse", "avx2", "avx512"}) {
        const Kernels<float> * k = find_kernels(name);
        if (!k) continue;
        check_gemm(*k, reference);
        for (const int64_t n : {1, 3, 16, 17, 64, 100, 1025, 4097}) check_rows(*k, reference, n);
        std::printf("%s checked\n", name);
    }
    if (const HalfKernels * half = half_kernels()) {
        check_half(*half, reference);
        check_half_attention(*half);
        std::printf("%s checked\n", half->name);
    }
    check_random();
    if (argc > 1) {
        const Ggml ggml = load_ggml(argv[1]);
        check_decoders(ggml, fast_decoder);
        if (const ByteKernels * bytes = byte_kernels()) check_bytes(*bytes, ggml, reference);
#if defined(ARGOT_X86)
        if (find_kernels("avx2")) check_decoders(ggml, avx2_decoder);
#endif
    }
    return failures > 0 ? 1 : 0;
}
