#include "adapter.h"

#include "random.h"

#include <cmath>
#include <cstring>

namespace argot {

Adapter seeded_adapter(const Model & model, const AdapterShape & shape, uint64_t seed) {
    Adapter adapter;
    adapter.shape = shape;
    adapter.architecture = model.architecture;
    adapter.layer.resize(size_t(model.layers));
    for (size_t l = 0; l < adapter.layer.size(); l++) {
        for (size_t t = 0; t < target_count; t++) {
            if (!shape.targets[t]) continue;
            const Weight & w = model.layer[l].linear[t].weight;
            Pair & pair = adapter.layer[l][t];
            pair.a.resize(size_t(shape.rank * w.cols));
            pair.b_transposed.assign(size_t(shape.rank * w.rows), 0.0f);
            const float bound = float(1.0 / std::sqrt(double(w.cols)));
            for (size_t i = 0; i < pair.a.size(); i += 4) {
                const auto bits = philox(seed, l * target_count + t, i / 4);
                for (size_t j = 0; j < 4 && i + j < pair.a.size(); j++) pair.a[i + j] = symmetric_uniform(bits[j]) * bound;
            }
        }
    }
    return adapter;
}

namespace {

std::vector<float> transposed(const std::vector<float> & m, int64_t rows, int64_t cols) {
    std::vector<float> t(m.size());
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) t[size_t(j * rows + i)] = m[size_t(i * cols + j)];
    }
    return t;
}

std::string tensor_name(size_t layer, size_t target) {
    return "blk." + std::to_string(layer) + "." + target_tensors[target] + ".weight";
}

struct AdapterLoader {
    const Ggml & ggml;
    const Gguf & gguf;
    const std::string & path;

    [[noreturn]] void invalid(const std::string & why) const { throw Failure(Problem::adapterInvalid, path + ": " + why + "."); }
    [[noreturn]] void mismatch(const std::string & why) const { throw Failure(Problem::adapterMismatch, path + " belongs to another model: " + why + "."); }

    std::string text(const char * key) const {
        const auto found = gguf.values.find(key);
        return found == gguf.values.end() ? "" : found->second.string;
    }

    std::vector<float> matrix(const TensorInfo & t) const {
        std::vector<float> values(size_t(t.ne[0] * t.ne[1]));
        if (t.type == GGML_TYPE_F32) std::memcpy(values.data(), t.data, t.bytes);
        else if (t.type == GGML_TYPE_F16 || t.type == GGML_TYPE_BF16) ggml.type_traits(t.type)->to_float(t.data, values.data(), int64_t(values.size()));
        else invalid("tensor " + t.name + " of type " + ggml.type_name(t.type) + " is not supported; F32, F16 and BF16 are");
        for (const float value : values) {
            if (!std::isfinite(value)) invalid("tensor " + t.name + " holds a value that is not finite");
        }
        return values;
    }

    Pair pair(const Weight & w, const TensorInfo & a, const TensorInfo & b, int64_t rank) const {
        if (a.ne[1] != rank || b.ne[0] != rank) invalid("tensors of different ranks (" + a.name + ")");
        if (a.ne[0] != w.cols || b.ne[1] != w.rows) mismatch("tensor " + a.name + " does not fit its matrix");
        return {matrix(a), transposed(matrix(b), w.rows, rank)};
    }
};

} // namespace

Adapter load_adapter(const Ggml & ggml, const Model & model, const std::string & path) {
    const Gguf gguf = read_gguf(ggml, path, Problem::adapterInvalid);
    const AdapterLoader loader{ggml, gguf, path};
    if (loader.text("general.type") != "adapter" || loader.text("adapter.type") != "lora") loader.invalid("it is no LoRA adapter");
    Adapter adapter;
    adapter.architecture = loader.text("general.architecture");
    adapter.base_sha256 = loader.text("argot.base.sha256");
    if (adapter.architecture != model.architecture) loader.mismatch("its architecture is " + adapter.architecture + ", the model's " + model.architecture);
    const auto alpha = gguf.values.find("adapter.lora.alpha");
    if (alpha == gguf.values.end() || alpha->second.kind != GgufValue::Kind::real || !std::isfinite(alpha->second.real)) loader.invalid("adapter.lora.alpha is missing");
    adapter.shape.alpha = float(alpha->second.real);
    adapter.shape.rank = 0;
    adapter.layer.resize(size_t(model.layers));
    size_t known = 0;
    for (size_t l = 0; l < adapter.layer.size(); l++) {
        for (size_t t = 0; t < target_count; t++) {
            const std::string name = tensor_name(l, t);
            const auto a = gguf.tensors.find(name + ".lora_a"), b = gguf.tensors.find(name + ".lora_b");
            if (a == gguf.tensors.end() && b == gguf.tensors.end()) continue;
            if (a == gguf.tensors.end() || b == gguf.tensors.end()) loader.invalid("one half of " + name + " is missing");
            if (adapter.shape.rank == 0) adapter.shape.rank = a->second.ne[1];
            adapter.layer[l][t] = loader.pair(model.layer[l].linear[t].weight, a->second, b->second, adapter.shape.rank);
            adapter.shape.targets[t] = true;
            known += 2;
        }
    }
    if (known == 0) loader.mismatch("none of its tensors has a place in the model");
    if (known != gguf.tensors.size()) loader.mismatch("it has tensors that the model has no place for");
    // llama.cpp takes an alpha of 0 as a scale of 1.
    if (adapter.shape.alpha == 0) adapter.shape.alpha = float(adapter.shape.rank);
    for (size_t l = 0; l < adapter.layer.size(); l++) {
        for (size_t t = 0; t < target_count; t++) {
            if (adapter.shape.targets[t] && adapter.layer[l][t].a.empty()) loader.invalid("it adapts " + std::string(target_names[t]) + " in some layers only");
        }
    }
    return adapter;
}

std::vector<uint8_t> encode_adapter(const Adapter & adapter, const Model & model, const std::string & base_sha256, const Json & card) {
    GgufWriter file;
    file.set("general.type", std::string("adapter"));
    file.set("general.architecture", adapter.architecture);
    file.set("general.name", std::string("Argot adapter"));
    file.set("adapter.type", std::string("lora"));
    file.set("adapter.lora.alpha", adapter.shape.alpha);
    file.set("argot.base.sha256", base_sha256);
    file.set("argot.base.name", model.name);
    file.set("argot.card", write_json(card));
    for (size_t l = 0; l < adapter.layer.size(); l++) {
        for (size_t t = 0; t < target_count; t++) {
            if (!adapter.shape.targets[t]) continue;
            const Weight & w = model.layer[l].linear[t].weight;
            const Pair & pair = adapter.layer[l][t];
            file.add(tensor_name(l, t) + ".lora_a", w.cols, adapter.shape.rank, pair.a);
            file.add(tensor_name(l, t) + ".lora_b", adapter.shape.rank, w.rows, transposed(pair.b_transposed, adapter.shape.rank, w.rows));
        }
    }
    return file.bytes();
}

std::vector<float> flatten(const Adapter & adapter, Matrices matrices) {
    std::vector<float> values;
    for (const auto & layer : adapter.layer) {
        for (size_t t = 0; t < target_count; t++) {
            if (!adapter.shape.targets[t]) continue;
            const Pair & pair = layer[t];
            if (matrices != Matrices::b) values.insert(values.end(), pair.a.begin(), pair.a.end());
            if (matrices == Matrices::a) continue;
            const int64_t rank = adapter.shape.rank, out = int64_t(pair.b_transposed.size()) / rank;
            const std::vector<float> b = transposed(pair.b_transposed, rank, out);
            values.insert(values.end(), b.begin(), b.end());
        }
    }
    return values;
}

void unflatten(Adapter & adapter, Matrices matrices, const std::vector<float> & values, float scale, bool add) {
    size_t at = 0;
    const auto take = [&](float & element) {
        const float value = values[at++] * scale;
        element = add ? element + value : value;
    };
    for (auto & layer : adapter.layer) {
        for (size_t t = 0; t < target_count; t++) {
            if (!adapter.shape.targets[t]) continue;
            Pair & pair = layer[t];
            if (matrices != Matrices::b) {
                for (float & element : pair.a) take(element);
            }
            if (matrices == Matrices::a) continue;
            const size_t rank = size_t(adapter.shape.rank), out = pair.b_transposed.size() / rank;
            for (size_t o = 0; o < out; o++) {
                for (size_t r = 0; r < rank; r++) take(pair.b_transposed[r * out + o]);
            }
        }
    }
}

int64_t parameter_count(const Model & model, const AdapterShape & shape, Matrices matrices) {
    int64_t n = 0;
    for (size_t t = 0; t < target_count; t++) {
        if (!shape.targets[t]) continue;
        const Weight & w = model.layer[0].linear[t].weight;
        n += shape.rank * ((matrices != Matrices::b ? w.cols : 0) + (matrices != Matrices::a ? w.rows : 0));
    }
    return n * model.layers;
}

} // namespace argot
