// Writes a GGUF of random weights, for tests and benchmarks: make_model LIBRARIES OUT ARCH TYPE SHAPE
// SHAPE is `tiny`, `tiny256` (rows that K-quants can hold), `vocabulary` (those and many tokens, few of them likely), `untied`, `yarn`, `linear`,
// `factors` or `qwen-0.5b`.
#include "gguf.h"
#include "random.h"

#include <cmath>
#include <cstdio>
#include <cstring>

using namespace argot;

namespace {

struct Shape {
    int64_t layers = 2, width = 64, heads = 4, kv_heads = 2, head_width = 16, feed_forward = 96, vocabulary = 101;
    bool tied = true;
};

ggml_type type_of(const Ggml & ggml, const std::string & name) {
    for (int t = 0; t < GGML_TYPE_COUNT; t++) {
        const char * known = ggml.type_name(ggml_type(t));
        if (known && name == known) return ggml_type(t);
    }
    throw Failure(Problem::badRequest, "no type " + name);
}

struct Maker {
    const Ggml & ggml;
    GgufWriter writer;
    ggml_type type;
    uint64_t stream = 0;

    std::vector<float> random(int64_t n, float deviation, float mean) {
        std::vector<float> values(static_cast<size_t>(n));
        stream++;
        for (int64_t i = 0; i < n; i += 4) {
            const auto bits = philox(1, stream, uint64_t(i / 4));
            for (int64_t j = i; j < n && j < i + 4; j++) values[size_t(j)] = mean + 1.7320508f * deviation * symmetric_uniform(bits[size_t(j - i)]);
        }
        return values;
    }
    void vector(const std::string & name, int64_t n, float deviation, float mean) { writer.add(name, n, 1, random(n, deviation, mean)); }
    void matrix(const std::string & name, int64_t cols, int64_t rows, float deviation) {
        const std::vector<float> values = random(cols * rows, deviation, 0);
        const ggml_type_traits * traits = ggml.type_traits(type);
        if (type == GGML_TYPE_F32) return writer.add(name, cols, rows, values);
        std::vector<uint8_t> bytes(size_t(cols * rows / traits->blck_size) * traits->type_size);
        ggml.quantize_chunk(type, values.data(), bytes.data(), 0, rows, cols, nullptr);
        writer.add(name, type, cols, rows, std::move(bytes));
    }
};

// llama.cpp loads no model without a tokenizer: the least that it takes.
void add_tokenizer(GgufWriter & writer, int64_t vocabulary) {
    std::vector<std::string> tokens;
    for (int64_t i = 0; i < vocabulary; i++) tokens.push_back("t" + std::to_string(i));
    writer.set("tokenizer.ggml.model", std::string("gpt2"));
    writer.set("tokenizer.ggml.pre", std::string("gpt-2"));
    writer.set("tokenizer.ggml.tokens", tokens);
    writer.set("tokenizer.ggml.token_type", std::vector<int32_t>(tokens.size(), 1));
    writer.set("tokenizer.ggml.merges", std::vector<std::string>{"t 0"});
    writer.set("tokenizer.ggml.eos_token_id", uint32_t(0));
}

void make(const Ggml & ggml, const std::string & out, const std::string & arch, const std::string & type, const std::string & kind) {
    Shape s;
    if (kind == "tiny256" || kind == "vocabulary") s.width = 256, s.head_width = 64, s.feed_forward = 512;
    if (kind == "vocabulary") s.vocabulary = 3000;
    if (kind == "untied") s.tied = false;
    if (kind == "qwen-0.5b") s = {24, 896, 14, 2, 64, 4864, 151936, true};
    if (arch == "qwen3") s.head_width *= 2;
    Maker m{ggml, {}, type_of(ggml, type)};
    const std::string p = arch + ".";
    m.writer.set("general.architecture", arch);
    m.writer.set("general.name", std::string("random"));
    m.writer.set(p + "block_count", uint32_t(s.layers));
    m.writer.set(p + "context_length", uint32_t(kind == "qwen-0.5b" ? 32768 : 512));
    m.writer.set(p + "embedding_length", uint32_t(s.width));
    m.writer.set(p + "feed_forward_length", uint32_t(s.feed_forward));
    m.writer.set(p + "attention.head_count", uint32_t(s.heads));
    m.writer.set(p + "attention.head_count_kv", uint32_t(s.kv_heads));
    m.writer.set(p + "attention.key_length", uint32_t(s.head_width));
    m.writer.set(p + "attention.value_length", uint32_t(s.head_width));
    m.writer.set(p + "attention.layer_norm_rms_epsilon", 1e-5f);
    m.writer.set(p + "rope.freq_base", 10000.0f);
    add_tokenizer(m.writer, s.vocabulary);
    if (kind == "yarn") {
        m.writer.set(p + "rope.scaling.type", std::string("yarn"));
        m.writer.set(p + "rope.scaling.factor", 4.0f);
        m.writer.set(p + "rope.scaling.original_context_length", uint32_t(64));
    }
    if (kind == "linear") {
        m.writer.set(p + "rope.scaling.type", std::string("linear"));
        m.writer.set(p + "rope.scaling.factor", 2.0f);
    }
    const float d = 1 / std::sqrt(float(s.width));
    const int64_t q = s.heads * s.head_width, kv = s.kv_heads * s.head_width;
    // The large one's: so that of its vocabulary about as much counts on the way back as of SmolLM2's on code (0.25 to 0.32 in passes of 64 rows).
    m.matrix("token_embd.weight", s.width, s.vocabulary, kind == "qwen-0.5b" ? 0.185f : 0.3f);
    if (!s.tied) m.matrix("output.weight", s.width, s.vocabulary, 0.2f);
    m.vector("output_norm.weight", s.width, 0.1f, 1);
    if (kind == "factors") m.vector("rope_freqs.weight", s.head_width / 2, 0.5f, 2);
    for (int64_t l = 0; l < s.layers; l++) {
        const std::string b = "blk." + std::to_string(l) + ".";
        m.vector(b + "attn_norm.weight", s.width, 0.1f, 1);
        m.vector(b + "ffn_norm.weight", s.width, 0.1f, 1);
        m.matrix(b + "attn_q.weight", s.width, q, 2 * d);
        m.matrix(b + "attn_k.weight", s.width, kv, 2 * d);
        m.matrix(b + "attn_v.weight", s.width, kv, d);
        m.matrix(b + "attn_output.weight", q, s.width, d);
        m.matrix(b + "ffn_gate.weight", s.width, s.feed_forward, d);
        m.matrix(b + "ffn_up.weight", s.width, s.feed_forward, d);
        m.matrix(b + "ffn_down.weight", s.feed_forward, s.width, d);
        if (arch == "qwen2") {
            m.vector(b + "attn_q.bias", q, 0.2f, 0);
            m.vector(b + "attn_k.bias", kv, 0.2f, 0);
            m.vector(b + "attn_v.bias", kv, 0.2f, 0);
        }
        if (arch == "qwen3") {
            m.vector(b + "attn_q_norm.weight", s.head_width, 0.1f, 1);
            m.vector(b + "attn_k_norm.weight", s.head_width, 0.1f, 1);
        }
    }
    write_file_atomically(out, m.writer.bytes());
}

} // namespace

int main(int argc, char ** argv) {
    if (argc != 6) {
        std::fprintf(stderr, "make_model LIBRARIES OUT ARCH TYPE SHAPE\n");
        return 2;
    }
    try {
        make(load_ggml(argv[1]), argv[2], argv[3], argv[4], argv[5]);
    } catch (const std::exception & error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
