#include "offload.h"

#include "fail.h"
#include "ggml_api.h"
#include "matmul.h"

#include "ggml-alloc.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>

namespace argot {

void (*on_device_failure)(const std::string & sentence) = nullptr;

struct Offload::Functions {
    explicit Functions(const Ggml & ggml);
    decltype(&ggml_backend_dev_init) dev_init;
    decltype(&ggml_backend_dev_memory) dev_memory;
    decltype(&ggml_backend_dev_buffer_type) dev_buffer_type;
    decltype(&ggml_backend_dev_supports_op) dev_supports_op;
    decltype(&ggml_backend_dev_backend_reg) dev_backend_reg;
    decltype(&ggml_backend_reg_get_proc_address) reg_get_proc_address;
    decltype(&ggml_backend_free) backend_free;
    decltype(&ggml_backend_graph_compute) graph_compute;
    decltype(&ggml_backend_tensor_set) tensor_set;
    decltype(&ggml_backend_tensor_get) tensor_get;
    decltype(&ggml_backend_alloc_ctx_tensors_from_buft) alloc_tensors;
    decltype(&ggml_backend_alloc_ctx_tensors_from_buft_size) alloc_tensors_size;
    decltype(&ggml_backend_buffer_free) buffer_free;
    decltype(&ggml_gallocr_new) gallocr_new;
    decltype(&ggml_gallocr_alloc_graph) gallocr_alloc_graph;
    decltype(&ggml_gallocr_free) gallocr_free;
    decltype(&ggml_init) init;
    decltype(&ggml_free) free;
    decltype(&ggml_tensor_overhead) tensor_overhead;
    decltype(&ggml_graph_overhead) graph_overhead;
    decltype(&ggml_new_tensor_2d) new_tensor_2d;
    decltype(&ggml_mul_mat) mul_mat;
    decltype(&ggml_mul_mat_set_prec) mul_mat_set_prec;
    decltype(&ggml_set_input) set_input;
    decltype(&ggml_set_output) set_output;
    decltype(&ggml_new_graph) new_graph;
    decltype(&ggml_build_forward_expand) build_forward_expand;
    decltype(&ggml_fp32_to_fp16_row) to_half;
    decltype(&ggml_log_set) log_set;
    decltype(&ggml_set_abort_callback) set_abort_callback;

    /** The node y = x · matrixᵀ in a context without data. */
    ggml_tensor * product(ggml_context * context, ggml_tensor * matrix, int64_t n) const {
        ggml_tensor * input = new_tensor_2d(context, GGML_TYPE_F32, matrix->ne[0], n);
        ggml_tensor * output = mul_mat(context, matrix, input);
        // Else some devices sum float16 products in float16.
        mul_mat_set_prec(output, GGML_PREC_F32);
        set_input(input);
        set_output(output);
        return output;
    }
};

Offload::Functions::Functions(const Ggml & ggml) {
    const std::vector<void *> libraries = open_registry(ggml);
    resolve(libraries, "ggml_backend_dev_init", dev_init);
    resolve(libraries, "ggml_backend_dev_memory", dev_memory);
    resolve(libraries, "ggml_backend_dev_buffer_type", dev_buffer_type);
    resolve(libraries, "ggml_backend_dev_supports_op", dev_supports_op);
    resolve(libraries, "ggml_backend_dev_backend_reg", dev_backend_reg);
    resolve(libraries, "ggml_backend_reg_get_proc_address", reg_get_proc_address);
    resolve(libraries, "ggml_backend_free", backend_free);
    resolve(libraries, "ggml_backend_graph_compute", graph_compute);
    resolve(libraries, "ggml_backend_tensor_set", tensor_set);
    resolve(libraries, "ggml_backend_tensor_get", tensor_get);
    resolve(libraries, "ggml_backend_alloc_ctx_tensors_from_buft", alloc_tensors);
    resolve(libraries, "ggml_backend_alloc_ctx_tensors_from_buft_size", alloc_tensors_size);
    resolve(libraries, "ggml_backend_buffer_free", buffer_free);
    resolve(libraries, "ggml_gallocr_new", gallocr_new);
    resolve(libraries, "ggml_gallocr_alloc_graph", gallocr_alloc_graph);
    resolve(libraries, "ggml_gallocr_free", gallocr_free);
    resolve(libraries, "ggml_init", init);
    resolve(libraries, "ggml_free", free);
    resolve(libraries, "ggml_tensor_overhead", tensor_overhead);
    resolve(libraries, "ggml_graph_overhead", graph_overhead);
    resolve(libraries, "ggml_new_tensor_2d", new_tensor_2d);
    resolve(libraries, "ggml_mul_mat", mul_mat);
    resolve(libraries, "ggml_mul_mat_set_prec", mul_mat_set_prec);
    resolve(libraries, "ggml_set_input", set_input);
    resolve(libraries, "ggml_set_output", set_output);
    resolve(libraries, "ggml_new_graph", new_graph);
    resolve(libraries, "ggml_build_forward_expand", build_forward_expand);
    resolve(libraries, "ggml_fp32_to_fp16_row", to_half);
    resolve(libraries, "ggml_log_set", log_set);
    resolve(libraries, "ggml_set_abort_callback", set_abort_callback);
}

namespace {

[[noreturn]] void refuse(const std::string & device, const std::string & why) {
    throw Failure(Problem::deviceUnusable, "The device " + device + " " + why + " Train on the processor (“device”: cpu).");
}

/** What ggml logged last: the cause stands there, its call to abort names only the place. */
std::string last_words;
std::mutex last_words_mutex;

void keep_last_words(ggml_log_level, const char * text, void *) {
    std::fputs(text, stderr);
    const std::lock_guard<std::mutex> lock(last_words_mutex);
    last_words += text;
    if (last_words.size() > 2000) last_words.erase(0, last_words.size() - 2000);
}

void explain_abort(const char * place) {
    const std::lock_guard<std::mutex> lock(last_words_mutex);
    std::string cause = place;
    const size_t error = last_words.rfind("error: ");
    if (error != std::string::npos) {
        const size_t begin = last_words.rfind('\n', error) + 1;
        cause = last_words.substr(begin, last_words.find('\n', begin) - begin);
    }
    if (on_device_failure) on_device_failure("The device failed: " + cause + " Train on the processor (“device”: cpu).");
}

} // namespace

Offload::Offload(const Ggml & ggml, const Model & model, const std::string & device, bool trains, Threads & threads)
    : ggml_(std::make_unique<const Functions>(ggml)), threads_(threads) {
    ggml_->log_set(keep_last_words, nullptr);
    ggml_->set_abort_callback(explain_abort);
    choose_device(ggml, device);
    const size_t most = size_t(model.layers) * target_count + 1;
    context_ = ggml_->init({ggml_->tensor_overhead() * 2 * most, nullptr, true});
    graph_memory_.resize(ggml_->tensor_overhead() * 4 + ggml_->graph_overhead());
    for (const Layer & layer : model.layer) {
        for (const Linear & linear : layer.linear) place(linear.weight, trains);
    }
    place(model.head, trains);
    check_products();

    const ggml_backend_buffer_type_t memory = ggml_->dev_buffer_type(handle_);
    const size_t needed = ggml_->alloc_tensors_size(context_, memory);
    size_t free = 0, total = 0;
    ggml_->dev_memory(handle_, &free, &total);
    if (free > 0 && needed > free) refuse(device_, "has " + mebibytes(free) + " free, and the weights take " + mebibytes(needed) + ".");
    backend_ = ggml_->dev_init(handle_, nullptr);
    if (!backend_) refuse(device_, "could not be opened.");
    const auto set_threads = reinterpret_cast<ggml_backend_set_n_threads_t>(
        ggml_->reg_get_proc_address(ggml_->dev_backend_reg(handle_), "ggml_backend_set_n_threads"));
    if (set_threads) set_threads(backend_, threads_.count());
    weights_ = ggml_->alloc_tensors(context_, memory);
    if (!weights_) refuse(device_, "has no room for the weights, which take " + mebibytes(needed) + ".");
    activations_ = ggml_->gallocr_new(memory);
    for (const auto & entry : matrices_) upload(entry.second);
}

Offload::~Offload() {
    if (activations_) ggml_->gallocr_free(activations_);
    if (weights_) ggml_->buffer_free(weights_);
    if (context_) ggml_->free(context_);
    if (backend_) ggml_->backend_free(backend_);
}

void Offload::choose_device(const Ggml & ggml, const std::string & wanted) {
    std::string names;
    for (const Device & device : list_devices(ggml)) {
        names += (names.empty() ? "" : ", ") + device.name;
        if (handle_ || (wanted == "gpu" ? !device.gpu : device.name != wanted)) continue;
        handle_ = device.handle;
        device_ = device.name;
    }
    if (!handle_) refuse(wanted, "is not among those that the installed ggml can use here (" + names + ").");
}

void Offload::place(const Weight & w, bool trains) {
    // Tied embeddings and the head are one matrix.
    if (matrices_.count(w.data)) return;
    ggml_tensor * forward = ggml_->new_tensor_2d(context_, w.type, w.cols, w.rows);
    matrices_[w.data] = {&w, forward, trains ? ggml_->new_tensor_2d(context_, GGML_TYPE_F16, w.rows, w.cols) : nullptr};
}

// Asked of each matrix before anything is allocated, with as many rows as a batched product has.
void Offload::check_products() const {
    for (const auto & entry : matrices_) {
        for (ggml_tensor * matrix : {entry.second.forward, entry.second.transposed}) {
            if (!matrix) continue;
            ggml_context * scratch = ggml_->init({ggml_->tensor_overhead() * 4, nullptr, true});
            const bool supported = ggml_->dev_supports_op(handle_, ggml_->product(scratch, matrix, 256));
            ggml_->free(scratch);
            if (!supported) refuse(device_, "can't multiply by a matrix of " + std::to_string(matrix->ne[1]) + " by " + std::to_string(matrix->ne[0]) + " of the type that the model has.");
        }
    }
}

void Offload::upload(const Matrix & matrix) {
    const Weight & w = *matrix.weight;
    ggml_->tensor_set(matrix.forward, w.data, 0, size_t(w.rows * (w.cols / w.block)) * w.block_bytes);
    if (!matrix.transposed) return;
    const int64_t columns = std::max<int64_t>(w.block, 32);
    std::vector<float> turned(size_t(columns * w.rows));
    std::vector<ggml_fp16_t> half(turned.size());
    for (int64_t from = 0; from < w.cols; from += columns) {
        const int64_t n = std::min(columns, w.cols - from);
        over_rows(threads_, w.rows, 64, [&](int64_t first, int64_t last, int) {
            std::vector<float> row(static_cast<size_t>(n));
            for (int64_t r = first; r < last; r++) {
                dequantise(w, r, from, n, row.data());
                for (int64_t c = 0; c < n; c++) turned[size_t(c * w.rows + r)] = row[size_t(c)];
            }
        });
        ggml_->to_half(turned.data(), half.data(), n * w.rows);
        ggml_->tensor_set(matrix.transposed, half.data(), size_t(from * w.rows) * sizeof(ggml_fp16_t), size_t(n * w.rows) * sizeof(ggml_fp16_t));
    }
}

void Offload::product(ggml_tensor * matrix, int64_t n, const float * x, float * y) {
    ggml_context * context = ggml_->init({graph_memory_.size(), graph_memory_.data(), true});
    ggml_tensor * output = ggml_->product(context, matrix, n);
    ggml_cgraph * graph = ggml_->new_graph(context);
    ggml_->build_forward_expand(graph, output);
    const bool allocated = ggml_->gallocr_alloc_graph(activations_, graph);
    ggml_status status = GGML_STATUS_ALLOC_FAILED;
    if (allocated) {
        ggml_->tensor_set(output->src[1], x, 0, size_t(n * matrix->ne[0]) * sizeof(float));
        status = ggml_->graph_compute(backend_, graph);
        if (status == GGML_STATUS_SUCCESS) ggml_->tensor_get(output, y, 0, size_t(n * matrix->ne[1]) * sizeof(float));
    }
    ggml_->free(context);
    if (status == GGML_STATUS_ALLOC_FAILED) refuse(device_, "has no room for the activations. A shorter sequence takes less.");
    if (status != GGML_STATUS_SUCCESS) refuse(device_, "failed in a product.");
}

void Offload::forward(const Weight & weight, int64_t n, const float * x, float * y) { product(matrices_.at(weight.data).forward, n, x, y); }

// Gradients are smaller than what float16 holds, and devices round to it: each row goes there with its largest element
// between 2⁷ and 2⁸, by a power of two that is taken off again.
void Offload::backward(const Weight & w, int64_t n, const float * dy, float * dx, bool accumulate) {
    scaled_.resize(size_t(n * w.rows));
    inverse_.resize(size_t(n));
    over_rows(threads_, n, 16, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first; i < last; i++) {
            float largest = 0;
            for (int64_t j = 0; j < w.rows; j++) largest = std::max(largest, std::fabs(dy[i * w.rows + j]));
            int exponent = 0;
            if (largest > 0 && std::isfinite(largest)) std::frexp(largest, &exponent);
            const float scale = std::ldexp(1.0f, std::min(8 - exponent, 120));
            inverse_[size_t(i)] = 1 / scale;
            for (int64_t j = 0; j < w.rows; j++) scaled_[size_t(i * w.rows + j)] = scale * dy[i * w.rows + j];
        }
    });
    result_.resize(size_t(n * w.cols));
    product(matrices_.at(w.data).transposed, n, scaled_.data(), result_.data());
    over_rows(threads_, n, 16, [&](int64_t first, int64_t last, int) {
        for (int64_t i = first * w.cols; i < last * w.cols; i++) {
            const float value = result_[size_t(i)] * inverse_[size_t(i / w.cols)];
            dx[i] = accumulate ? dx[i] + value : value;
        }
    });
}

} // namespace argot
