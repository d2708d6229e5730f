// GFLOPS of y = x·Wᵀ for one weight type and shape, by ggml's own product and by the trainer's; and of the trainer's two products
// together, this one and dx = dy·W, which a step has in equal numbers. One JSON line.
//
//   gemm_peak LIBRARIES TYPE OUT IN TOKENS THREADS
//
// Both are timed over the same second, by turns, and the best pass of each counts: a peak, not a mean.
#include "fail.h"
#include "kernels/decoders.h"
#include "matmul.h"
#include "random.h"

#include "ggml-cpu.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace argot;

namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

// ggml's symbols that only this program needs.
struct Symbols {
    std::vector<void *> libraries;
    template <typename Function>
    Function * get(const char * name, Function *) const {
        return reinterpret_cast<Function *>(find_function(libraries, name));
    }
};
#define GGML(name) symbols.get(#name, &name)

struct GgmlProduct {
    ggml_backend_t backend;
    ggml_cgraph * graph;
    decltype(&ggml_backend_graph_compute) compute;

    GgmlProduct(const Ggml & ggml, ggml_type type, int64_t out, int64_t in, int64_t tokens, int threads, const std::vector<uint8_t> & weights,
                const std::vector<float> & x) {
        const Symbols symbols{open_registry(ggml)};
        GGML(ggml_backend_load_all_from_path)(ggml.folder.c_str());
        backend = GGML(ggml_backend_init_by_type)(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr);
        const ggml_backend_reg_t registry = GGML(ggml_backend_dev_backend_reg)(GGML(ggml_backend_get_device)(backend));
        const auto set_threads = reinterpret_cast<ggml_backend_set_n_threads_t>(GGML(ggml_backend_reg_get_proc_address)(registry, "ggml_backend_set_n_threads"));
        set_threads(backend, threads);
        ggml_context * context = GGML(ggml_init)({size_t(1) << 20, nullptr, true});
        ggml_tensor * w = GGML(ggml_new_tensor_2d)(context, type, in, out);
        ggml_tensor * input = GGML(ggml_new_tensor_2d)(context, GGML_TYPE_F32, in, tokens);
        ggml_tensor * y = GGML(ggml_mul_mat)(context, w, input);
        GGML(ggml_backend_alloc_ctx_tensors)(context, backend);
        GGML(ggml_backend_tensor_set)(w, weights.data(), 0, weights.size());
        GGML(ggml_backend_tensor_set)(input, x.data(), 0, x.size() * sizeof(float));
        graph = GGML(ggml_new_graph)(context);
        GGML(ggml_build_forward_expand)(graph, y);
        compute = GGML(ggml_backend_graph_compute);
    }
};

ggml_type type_of(const Ggml & ggml, const char * name) {
    for (int t = 0; t < GGML_TYPE_COUNT; t++) {
        const char * known = ggml.type_name(ggml_type(t));
        if (known && std::strcmp(known, name) == 0) return ggml_type(t);
    }
    throw Failure(Problem::badRequest, std::string("no type ") + name);
}

void measure(char ** argv) {
    const Ggml ggml = load_ggml(argv[1]);
    const ggml_type type = type_of(ggml, argv[2]);
    const int64_t out = std::atoll(argv[3]), in = std::atoll(argv[4]), tokens = std::atoll(argv[5]);
    const int threads = std::atoi(argv[6]);
    std::vector<float> values(size_t(out * in)), x(size_t(tokens * in)), y(size_t(tokens * out)), dx(x.size());
    for (size_t i = 0; i < values.size(); i++) values[i] = symmetric_uniform(philox(1, 1, i)[0]);
    for (size_t i = 0; i < x.size(); i++) x[i] = symmetric_uniform(philox(1, 2, i)[0]);
    const ggml_type_traits * traits = ggml.type_traits(type);
    std::vector<uint8_t> weights(size_t(out * in / traits->blck_size) * traits->type_size);
    if (type == GGML_TYPE_F32) std::memcpy(weights.data(), values.data(), weights.size());
    else ggml.quantize_chunk(type, values.data(), weights.data(), 0, out, in, nullptr);

    GgmlProduct theirs(ggml, type, out, in, tokens, threads, weights, x);
    Threads pool(threads);
    Machine<float> machine = make_machine<float>(best_kernels(), half_kernels(), byte_kernels(), pool);
    const Decoder fast = fast_decoder(type);
    const Linear linear = {{weights.data(), type, out, in, traits->blck_size, traits->type_size, type == GGML_TYPE_F32 ? nullptr : fast ? fast : traits->to_float}, {}};
    Operand<float> operand, d_operand;
    double best_theirs = 1e9, best_forward = 1e9, best_backward = 1e9;
    for (const double end = now() + 2; now() < end;) {
        const double t0 = now();
        theirs.compute(theirs.backend, theirs.graph);
        const double t1 = now();
        prepare_forward(machine, operand, static_cast<const float *>(x.data()), tokens, in);
        multiply_forward(machine, linear, operand, LowRank<float>{}, y.data());
        const double t2 = now();
        prepare(machine, d_operand, static_cast<const float *>(y.data()), tokens, out);
        multiply_backward(machine, linear.weight, d_operand, LowRank<float>{}, dx.data(), false);
        const double t3 = now();
        best_theirs = std::min(best_theirs, t1 - t0);
        best_forward = std::min(best_forward, t2 - t1);
        best_backward = std::min(best_backward, t3 - t2);
    }
    const double flops = 2e-9 * double(out) * double(in) * double(tokens);
    std::printf("{\"ggmlGflops\":%.2f,\"forwardGflops\":%.2f,\"ownGflops\":%.2f}\n", flops / best_theirs, flops / best_forward,
                2 * flops / (best_forward + best_backward));
}

} // namespace

int main(int argc, char ** argv) {
    if (argc != 7) {
        std::fprintf(stderr, "gemm_peak LIBRARIES TYPE OUT IN TOKENS THREADS\n");
        return 2;
    }
    try {
        measure(argv);
    } catch (const std::exception & error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
