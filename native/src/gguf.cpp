#include "gguf.h"

#include <cstring>

namespace argot {

namespace {

constexpr uint32_t type_string = 8, type_array = 9;
constexpr uint64_t default_alignment = 32;

// Bytes of a scalar by its GGUF type; 0 for a type that is no scalar.
size_t scalar_bytes(uint32_t type) {
    switch (type) {
        case 0: case 1: case 7: return 1;
        case 2: case 3: return 2;
        case 4: case 5: case 6: return 4;
        case 10: case 11: case 12: return 8;
        default: return 0;
    }
}

struct Cursor {
    const std::string & path;
    Problem problem;
    const uint8_t * data;
    size_t size;
    size_t at = 0;

    [[noreturn]] void refuse(const std::string & why) const {
        throw Failure(problem, path + " is no usable GGUF file: " + why + " (byte " + std::to_string(at) + ").");
    }
    const uint8_t * take(uint64_t n) {
        if (n > size - at) refuse("it ends too early");
        const uint8_t * p = data + at;
        at += n;
        return p;
    }
    template <typename T>
    T scalar() {
        T value;
        std::memcpy(&value, take(sizeof value), sizeof value);
        return value;
    }
    std::string string() {
        const uint64_t n = scalar<uint64_t>();
        if (n > size - at) refuse("a text is longer than the file");
        const uint8_t * p = take(n);
        return std::string(reinterpret_cast<const char *>(p), n);
    }

    GgufValue value() {
        const uint32_t type = scalar<uint32_t>();
        GgufValue v = {};
        if (type == type_string) {
            v.kind = GgufValue::Kind::string;
            v.string = string();
        } else if (type == type_array) {
            v.kind = GgufValue::Kind::array;
            const uint32_t element = scalar<uint32_t>();
            v.length = scalar<uint64_t>();
            if (element == type_string) {
                for (uint64_t i = 0; i < v.length; i++) take(scalar<uint64_t>());
            } else {
                const size_t bytes = scalar_bytes(element);
                if (bytes == 0) refuse("an array of an unknown type");
                if (v.length > (size - at) / bytes) refuse("an array is longer than the file");
                take(v.length * bytes);
            }
        } else {
            number(type, v);
        }
        return v;
    }

    void number(uint32_t type, GgufValue & v) {
        v.kind = GgufValue::Kind::integer;
        switch (type) {
            case 0: v.integer = scalar<uint8_t>(); break;
            case 1: v.integer = scalar<int8_t>(); break;
            case 2: v.integer = scalar<uint16_t>(); break;
            case 3: v.integer = scalar<int16_t>(); break;
            case 4: v.integer = scalar<uint32_t>(); break;
            case 5: v.integer = scalar<int32_t>(); break;
            case 7: v.kind = GgufValue::Kind::boolean, v.integer = scalar<uint8_t>() != 0; break;
            case 10: case 11: v.integer = scalar<int64_t>(); break;
            case 6: v.kind = GgufValue::Kind::real, v.real = double(scalar<float>()); return;
            case 12: v.kind = GgufValue::Kind::real, v.real = scalar<double>(); return;
            default: refuse("a value of an unknown type");
        }
        v.real = double(v.integer);
    }
};

TensorInfo read_tensor_info(const Ggml & ggml, Cursor & in, std::vector<uint64_t> & offsets) {
    TensorInfo t = {};
    t.name = in.string();
    const uint32_t dimensions = in.scalar<uint32_t>();
    if (dimensions < 1 || dimensions > 4) in.refuse("tensor " + t.name + " has " + std::to_string(dimensions) + " dimensions");
    uint64_t elements = 1;
    for (uint32_t d = 0; d < 4; d++) {
        const uint64_t n = d < dimensions ? in.scalar<uint64_t>() : 1;
        if (n == 0 || n > (uint64_t(1) << 40) || elements > (uint64_t(1) << 40) / n) in.refuse("tensor " + t.name + " has an impossible shape");
        elements *= n;
        t.ne[d] = int64_t(n);
    }
    const uint32_t type = in.scalar<uint32_t>();
    if (type >= GGML_TYPE_COUNT) in.refuse("tensor " + t.name + " has an unknown type");
    t.type = ggml_type(type);
    const ggml_type_traits * traits = ggml.type_traits(t.type);
    if (traits->blck_size <= 0 || traits->type_size == 0) in.refuse("tensor " + t.name + " has a type that ggml no longer knows");
    if (t.ne[0] % traits->blck_size != 0) in.refuse("tensor " + t.name + " has rows that are no whole blocks of its type");
    t.bytes = size_t(elements / uint64_t(traits->blck_size)) * traits->type_size;
    offsets.push_back(in.scalar<uint64_t>());
    return t;
}

} // namespace

Gguf read_gguf(const Ggml & ggml, const std::string & path, Problem problem) {
    Gguf gguf;
    gguf.file = MappedFile(path);
    Cursor in{path, problem, gguf.file.data(), gguf.file.size()};
    if (std::memcmp(in.take(4), "GGUF", 4) != 0) in.refuse("it does not begin with GGUF");
    const uint32_t version = in.scalar<uint32_t>();
    if (version != 2 && version != 3) in.refuse("its version is " + std::to_string(version) + ", and 2 and 3 are known");
    const uint64_t tensor_count = in.scalar<uint64_t>(), value_count = in.scalar<uint64_t>();
    // The smallest tensor entry takes 32 bytes, the smallest value 13: more than fit is a lie.
    if (tensor_count > in.size / 32 || value_count > in.size / 13) in.refuse("it announces more entries than it can hold");
    for (uint64_t i = 0; i < value_count; i++) {
        std::string key = in.string();
        GgufValue value = in.value();
        if (!gguf.values.emplace(key, std::move(value)).second) in.refuse("the key " + key + " occurs twice");
    }
    std::vector<uint64_t> offsets;
    std::vector<TensorInfo> infos;
    for (uint64_t i = 0; i < tensor_count; i++) infos.push_back(read_tensor_info(ggml, in, offsets));

    uint64_t alignment = default_alignment;
    const auto given = gguf.values.find("general.alignment");
    if (given != gguf.values.end()) alignment = uint64_t(given->second.integer);
    if (alignment == 0 || alignment > 65536 || (alignment & (alignment - 1)) != 0) in.refuse("its alignment is no power of two");
    const uint64_t start = (in.at + alignment - 1) / alignment * alignment;
    for (uint64_t i = 0; i < tensor_count; i++) {
        TensorInfo & t = infos[i];
        const bool inside = start <= in.size && offsets[i] <= in.size - start && t.bytes <= in.size - start - offsets[i];
        if (!inside) in.refuse("tensor " + t.name + " lies beyond the end: the file is truncated");
        if (offsets[i] % alignment != 0) in.refuse("tensor " + t.name + " is not aligned");
        t.data = in.data + start + offsets[i];
        const std::string name = t.name;
        if (!gguf.tensors.emplace(name, std::move(t)).second) in.refuse("tensor " + name + " occurs twice");
    }
    return gguf;
}

namespace {

template <typename T>
void put(std::vector<uint8_t> & out, T value) {
    const auto * p = reinterpret_cast<const uint8_t *>(&value);
    out.insert(out.end(), p, p + sizeof value);
}

void put_string(std::vector<uint8_t> & out, const std::string & text) {
    put(out, uint64_t(text.size()));
    out.insert(out.end(), text.begin(), text.end());
}

void pad(std::vector<uint8_t> & out) { out.resize((out.size() + default_alignment - 1) / default_alignment * default_alignment); }

} // namespace

void GgufWriter::set(const std::string & key, const std::string & value) {
    put_string(values_, key);
    put(values_, type_string);
    put_string(values_, value);
    count_++;
}

void GgufWriter::set(const std::string & key, float value) {
    put_string(values_, key);
    put(values_, uint32_t(6));
    put(values_, value);
    count_++;
}

void GgufWriter::set(const std::string & key, uint32_t value) {
    put_string(values_, key);
    put(values_, uint32_t(4));
    put(values_, value);
    count_++;
}

void GgufWriter::set(const std::string & key, const std::vector<std::string> & values) {
    put_string(values_, key);
    put(values_, type_array);
    put(values_, type_string);
    put(values_, uint64_t(values.size()));
    for (const std::string & value : values) put_string(values_, value);
    count_++;
}

void GgufWriter::set(const std::string & key, const std::vector<int32_t> & values) {
    put_string(values_, key);
    put(values_, type_array);
    put(values_, uint32_t(5));
    put(values_, uint64_t(values.size()));
    for (const int32_t value : values) put(values_, value);
    count_++;
}

void GgufWriter::add(const std::string & name, int64_t ne0, int64_t ne1, std::vector<float> data) {
    std::vector<uint8_t> bytes(data.size() * sizeof(float));
    std::memcpy(bytes.data(), data.data(), bytes.size());
    add(name, GGML_TYPE_F32, ne0, ne1, std::move(bytes));
}

void GgufWriter::add(const std::string & name, ggml_type type, int64_t ne0, int64_t ne1, std::vector<uint8_t> data) {
    tensors_.push_back({name, type, {ne0, ne1}, std::move(data)});
}

std::vector<uint8_t> GgufWriter::bytes() const {
    std::vector<uint8_t> out = {'G', 'G', 'U', 'F'};
    put(out, uint32_t(3));
    put(out, uint64_t(tensors_.size()));
    put(out, count_);
    out.insert(out.end(), values_.begin(), values_.end());
    uint64_t offset = 0;
    for (const Tensor & t : tensors_) {
        put_string(out, t.name);
        const bool vector = t.ne[1] == 1;
        put(out, uint32_t(vector ? 1 : 2));
        put(out, uint64_t(t.ne[0]));
        if (!vector) put(out, uint64_t(t.ne[1]));
        put(out, uint32_t(t.type));
        put(out, offset);
        offset = (offset + t.data.size() + default_alignment - 1) / default_alignment * default_alignment;
    }
    pad(out);
    for (const Tensor & t : tensors_) {
        out.insert(out.end(), t.data.begin(), t.data.end());
        pad(out);
    }
    return out;
}

} // namespace argot
