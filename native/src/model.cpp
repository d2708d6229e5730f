#include "model.h"

#include "kernels/decoders.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

namespace argot {

const std::array<const char *, target_count> target_names = {"q", "k", "v", "o", "gate", "up", "down"};
const std::array<const char *, target_count> target_tensors = {"attn_q",   "attn_k", "attn_v",  "attn_output",
                                                               "ffn_gate", "ffn_up", "ffn_down"};

void dequantise(const Weight & w, int64_t row, int64_t from, int64_t n, float * dst) {
    const uint8_t * src = w.data + size_t(row * (w.cols / w.block) + from / w.block) * w.block_bytes;
    if (w.to_float) w.to_float(src, dst, n);
    else std::memcpy(dst, src, size_t(n) * sizeof(float));
}

namespace {

constexpr std::array<ggml_type, 11> weight_types = {
    GGML_TYPE_F32,  GGML_TYPE_F16,  GGML_TYPE_BF16, GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1,
    GGML_TYPE_Q5_0, GGML_TYPE_Q5_1, GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K,
};

struct Loader {
    const Ggml & ggml;
    Model & model;
    std::set<std::string> used;

    [[noreturn]] void unsupported(const std::string & what) const {
        throw Failure(Problem::modelUnsupported, model.path + ": " + what + " is not supported by the trainer.");
    }
    [[noreturn]] void invalid(const std::string & what) const {
        throw Failure(Problem::modelInvalid, model.path + ": " + what + ".");
    }

    const GgufValue * find(const std::string & suffix) const {
        const auto found = model.gguf.values.find(model.architecture + "." + suffix);
        return found == model.gguf.values.end() ? nullptr : &found->second;
    }
    int64_t integer(const std::string & suffix, int64_t otherwise, int64_t most) const {
        const GgufValue * value = find(suffix);
        if (!value && otherwise >= 0) return otherwise;
        if (!value || value->kind != GgufValue::Kind::integer) invalid("the key " + model.architecture + "." + suffix + " is missing or no integer");
        if (value->integer < 1 || value->integer > most) invalid("the key " + model.architecture + "." + suffix + " has an impossible value");
        return value->integer;
    }
    double real(const std::string & suffix, double otherwise) const {
        const GgufValue * value = find(suffix);
        if (!value) return otherwise;
        const bool number = value->kind == GgufValue::Kind::real || value->kind == GgufValue::Kind::integer;
        if (!number || !std::isfinite(value->real) || value->real <= 0) invalid("the key " + model.architecture + "." + suffix + " has an impossible value");
        return value->real;
    }

    const TensorInfo * tensor(const std::string & name) {
        const auto found = model.gguf.tensors.find(name);
        if (found == model.gguf.tensors.end()) return nullptr;
        used.insert(name);
        return &found->second;
    }

    Weight weight(const std::string & name, int64_t rows, int64_t cols) {
        const TensorInfo * t = tensor(name);
        if (!t) invalid("tensor " + name + " is missing");
        if (t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != 1 || t->ne[3] != 1) {
            invalid("tensor " + name + " has the shape " + std::to_string(t->ne[0]) + " × " + std::to_string(t->ne[1]) +
                    " where " + std::to_string(cols) + " × " + std::to_string(rows) + " belongs");
        }
        if (std::find(weight_types.begin(), weight_types.end(), t->type) == weight_types.end()) {
            unsupported("tensor " + name + " of type " + ggml.type_name(t->type));
        }
        const ggml_type_traits * traits = ggml.type_traits(t->type);
        const Decoder fast = fast_decoder(t->type);
        return {t->data, t->type, rows, cols, traits->blck_size, traits->type_size, t->type == GGML_TYPE_F32 ? nullptr : fast ? fast : traits->to_float};
    }

    std::vector<float> vector(const std::string & name, int64_t n, bool required) {
        const TensorInfo * t = tensor(name);
        if (!t && !required) return {};
        if (!t) invalid("tensor " + name + " is missing");
        if (t->type != GGML_TYPE_F32 || t->ne[0] != n || t->ne[1] != 1) invalid("tensor " + name + " must be " + std::to_string(n) + " float32 values");
        std::vector<float> values(static_cast<size_t>(n));
        std::memcpy(values.data(), t->data, t->bytes);
        for (const float value : values) {
            if (!std::isfinite(value)) invalid("tensor " + name + " holds a value that is not finite");
        }
        return values;
    }

    void shape() {
        Model & m = model;
        m.layers = integer("block_count", -1, 1000);
        m.width = integer("embedding_length", -1, 1 << 17);
        m.feed_forward = integer("feed_forward_length", -1, 1 << 20);
        m.heads = integer("attention.head_count", -1, 4096);
        m.kv_heads = integer("attention.head_count_kv", m.heads, 4096);
        m.head_width = integer("attention.key_length", m.width / m.heads, 4096);
        m.context = integer("context_length", 2048, int64_t(1) << 32);
        if (integer("attention.value_length", m.head_width, 4096) != m.head_width) unsupported("a value head that is not as wide as a key head");
        if (m.heads % m.kv_heads != 0) invalid("the heads are no multiple of the key-value heads");
        if (m.architecture != "qwen3" && m.heads * m.head_width != m.width) unsupported("attention of another width than the embedding");
        m.norm_epsilon = float(real("attention.layer_norm_rms_epsilon", -1));
        if (m.norm_epsilon <= 0) invalid("the key " + m.architecture + ".attention.layer_norm_rms_epsilon is missing");
        for (const char * key : {"expert_count", "attention.sliding_window", "attention.clamp_kqv", "attention.scale", "logit_scale",
                                 "residual_scale", "embedding_scale", "attn_logit_softcapping", "final_logit_softcapping",
                                 "attention.max_alibi_bias"}) {
            const GgufValue * value = find(key);
            if (value && value->real != 0) unsupported("the key " + m.architecture + "." + key);
        }
        const GgufValue * causal = find("attention.causal");
        if (causal && causal->integer == 0) unsupported("attention that is not causal");
    }

    // As llama.cpp's context sets it up from the same keys (llama-context.cpp, llama-model.cpp).
    void rope() {
        Rope & r = model.rope;
        r.halves = model.architecture != "llama";
        r.dimensions = integer("rope.dimension_count", model.head_width, model.head_width);
        if (r.dimensions % 2 != 0) invalid("the rotary dimensions are odd");
        if (r.halves && r.dimensions != model.head_width) unsupported("rotation of a part of each head");
        r.base = real("rope.freq_base", 10000);
        std::string kind = "linear";
        if (const GgufValue * value = find("rope.scaling.type")) kind = value->string;
        if (kind != "none" && kind != "linear" && kind != "yarn") unsupported("the RoPE scaling " + kind);
        const double factor = real("rope.scaling.factor", real("rope.scale_linear", 1));
        r.scale = kind == "none" ? 1 : 1 / factor;
        r.original_context = integer("rope.scaling.original_context_length", model.context, int64_t(1) << 32);
        r.magnitude = real("rope.scaling.attn_factor", 1);
        r.extrapolation = kind == "yarn" ? 1 : 0;
        for (const char * key : {"rope.scaling.yarn_log_multiplier", "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor",
                                 "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow"}) {
            if (find(key)) unsupported("the key " + model.architecture + "." + key);
        }
        const TensorInfo * factors = tensor("rope_freqs.weight");
        if (factors) {
            if (r.halves) unsupported("rope_freqs.weight in " + model.architecture);
            r.factors = vector("rope_freqs.weight", r.dimensions / 2, true);
            for (const float f : r.factors) {
                if (!(f > 0)) invalid("tensor rope_freqs.weight holds a factor that is not positive");
            }
        }
    }

    Linear linear(const std::string & name, int64_t rows, int64_t cols) {
        Linear l = {weight(name + ".weight", rows, cols), {}};
        const bool allowed = model.architecture == "llama" || (model.architecture == "qwen2" && name.find("attn_output") == std::string::npos && name.find("ffn") == std::string::npos);
        if (allowed) l.bias = vector(name + ".bias", rows, false);
        return l;
    }

    void layer(int64_t index) {
        const Model & m = model;
        const std::string prefix = "blk." + std::to_string(index) + ".";
        const int64_t q = m.heads * m.head_width, kv = m.kv_heads * m.head_width;
        const int64_t shapes[target_count][2] = {{q, m.width},  {kv, m.width},           {kv, m.width},          {m.width, q},
                                                 {m.feed_forward, m.width}, {m.feed_forward, m.width}, {m.width, m.feed_forward}};
        Layer l;
        l.attention_norm = vector(prefix + "attn_norm.weight", m.width, true);
        l.feed_forward_norm = vector(prefix + "ffn_norm.weight", m.width, true);
        if (m.architecture == "qwen3") {
            l.q_norm = vector(prefix + "attn_q_norm.weight", m.head_width, true);
            l.k_norm = vector(prefix + "attn_k_norm.weight", m.head_width, true);
        }
        for (size_t t = 0; t < target_count; t++) l.linear[t] = linear(prefix + target_tensors[t], shapes[t][0], shapes[t][1]);
        model.layer.push_back(std::move(l));
    }
};

} // namespace

Model load_model(const Ggml & ggml, const std::string & path) {
    Model m = {};
    m.path = path;
    m.gguf = read_gguf(ggml, path, Problem::modelInvalid);
    Loader loader{ggml, m, {}};
    const auto text = [&](const char * key) {
        const auto found = m.gguf.values.find(key);
        return found == m.gguf.values.end() ? std::string() : found->second.string;
    };
    const std::string type = text("general.type");
    if (!type.empty() && type != "model") loader.invalid("it is a file of type " + type + ", not a model");
    m.architecture = text("general.architecture");
    m.name = text("general.name");
    if (m.architecture.empty()) loader.invalid("the key general.architecture is missing");
    if (m.architecture != "llama" && m.architecture != "qwen2" && m.architecture != "qwen3") loader.unsupported("the architecture " + m.architecture);
    loader.shape();
    loader.rope();

    const TensorInfo * embedding = loader.tensor("token_embd.weight");
    if (!embedding) loader.invalid("tensor token_embd.weight is missing");
    m.vocabulary = embedding->ne[1];
    m.embedding = loader.weight("token_embd.weight", m.vocabulary, m.width);
    m.tied = loader.tensor("output.weight") == nullptr;
    m.head = m.tied ? m.embedding : loader.weight("output.weight", m.vocabulary, m.width);
    m.output_norm = loader.vector("output_norm.weight", m.width, true);
    for (int64_t i = 0; i < m.layers; i++) loader.layer(i);
    for (const auto & tensor : m.gguf.tensors) {
        if (!loader.used.count(tensor.first)) loader.unsupported("tensor " + tensor.first);
    }
    return m;
}

namespace {

// Equation 23 of YaRN: the dimension that turns `rotations` times over the original context.
double correction_dimension(const Rope & rope, double rotations) {
    const double two_pi = 6.283185307179586;
    return double(rope.dimensions) * std::log(double(rope.original_context) / (rotations * two_pi)) / (2 * std::log(rope.base));
}

} // namespace

RopeTable rope_table(const Rope & rope, int64_t positions) {
    const int64_t half = rope.dimensions / 2;
    RopeTable table;
    table.cos.resize(size_t(positions * half));
    table.sin.resize(size_t(positions * half));
    const double low = std::max(0.0, std::floor(correction_dimension(rope, 32)));
    const double high = std::min(double(rope.dimensions - 1), std::ceil(correction_dimension(rope, 1)));
    // llama.cpp sets the attention factor to the magnitude's inverse and ggml multiplies by it again, but never by less
    // than one: for a factor below 1 (a shortened context) only ggml's part remains.
    const double factor = 1 / rope.scale;
    const double magnitude = rope.extrapolation != 0 && factor < 1 ? 1.0 : 1.0 + (rope.extrapolation != 0 ? 0.1 * std::log(factor) : 0);
    for (int64_t i = 0; i < half; i++) {
        const double full = std::pow(rope.base, -2.0 * double(i) / double(rope.dimensions)) / double(rope.factors.empty() ? 1.0f : rope.factors[size_t(i)]);
        double turn = rope.scale * full;
        if (rope.extrapolation != 0) {
            const double ramp = 1 - std::min(1.0, std::max(0.0, (double(i) - low) / std::max(0.001, high - low)));
            turn = turn * (1 - ramp) + full * ramp;
        }
        for (int64_t p = 0; p < positions; p++) {
            table.cos[size_t(p * half + i)] = std::cos(double(p) * turn) * rope.magnitude * magnitude;
            table.sin[size_t(p * half + i)] = std::sin(double(p) * turn) * rope.magnitude * magnitude;
        }
    }
    return table;
}

} // namespace argot
