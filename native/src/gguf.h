// GGUF, read and written by hand: ggml's own reader may abort the process on a hostile file, this one names what is
// wrong. Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
#pragma once

#include "fail.h"
#include "files.h"
#include "ggml_api.h"

#include <map>
#include <string>
#include <vector>

namespace argot {

struct GgufValue {
    enum class Kind { integer, real, boolean, string, array } kind;
    int64_t integer = 0;
    double real = 0;
    std::string string;
    /** Arrays keep their length only: nothing here needs a vocabulary's elements. */
    uint64_t length = 0;
};

struct TensorInfo {
    std::string name;
    ggml_type type;
    /** Innermost first, as GGUF has it: ne[0] is the length of a row. */
    int64_t ne[4];
    const uint8_t * data;
    size_t bytes;
};

struct Gguf {
    MappedFile file;
    std::map<std::string, GgufValue> values;
    std::map<std::string, TensorInfo> tensors;
};

/** `problem` names the failure: a model's or an adapter's. */
Gguf read_gguf(const Ggml & ggml, const std::string & path, Problem problem);

/** Collects a file of metadata and float32 tensors. */
class GgufWriter {
  public:
    void set(const std::string & key, const std::string & value);
    void set(const std::string & key, float value);
    void set(const std::string & key, uint32_t value);
    void set(const std::string & key, const std::vector<std::string> & values);
    void set(const std::string & key, const std::vector<int32_t> & values);
    void add(const std::string & name, int64_t ne0, int64_t ne1, std::vector<float> data);
    /** A tensor of any type, already encoded. */
    void add(const std::string & name, ggml_type type, int64_t ne0, int64_t ne1, std::vector<uint8_t> data);
    std::vector<uint8_t> bytes() const;

  private:
    struct Tensor {
        std::string name;
        ggml_type type;
        int64_t ne[2];
        std::vector<uint8_t> data;
    };
    std::vector<uint8_t> values_;
    uint64_t count_ = 0;
    std::vector<Tensor> tensors_;
};

} // namespace argot
