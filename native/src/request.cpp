#include "request.h"

#include <algorithm>
#include <cstring>
#include <thread>

namespace argot {

Common read_common(Fields & fields) {
    Common common = {};
    common.ggml = load_ggml(fields.text("libraries"));
    common.model_sha256 = fields.text("modelSha256", "");
    const int64_t cores = std::max(1u, std::thread::hardware_concurrency());
    common.threads = int(fields.integer("threads", std::max<int64_t>(1, cores - 1), 1, 256));
    const std::string kernels = fields.text("kernels", "auto"), precision = fields.text("precision", "auto");
    common.kernels = kernels == "auto" ? &best_kernels() : find_kernels(kernels.c_str());
    if (!common.kernels) throw Failure(Problem::badRequest, "“kernels”: this processor or build has no kernels named " + kernels + ".");
    if (precision != "auto" && precision != "float32" && precision != "bfloat16") {
        throw Failure(Problem::badRequest, "“precision” must be auto, float32 or bfloat16");
    }
    if (precision != "float32" && kernels == "auto") common.half = half_kernels();
    if (precision == "auto" && common.half) common.bytes = byte_kernels();
    if (precision == "bfloat16" && !common.half) throw Failure(Problem::badRequest, "“precision”: this processor does not multiply bfloat16; use auto.");
    common.device = fields.text("device", "cpu");
    common.model = load_model(common.ggml, fields.text("model"));
    return common;
}

std::unique_ptr<Offload> open_device(const Common & common, bool trains, Threads & threads) {
    if (common.device == "cpu") return nullptr;
    return std::make_unique<Offload>(common.ggml, common.model, common.device, trains, threads);
}

AdapterShape read_shape(Fields & fields) {
    AdapterShape shape;
    const Json * object = fields.member("adapter", Json::Kind::object);
    const Json none = Json::make();
    Fields own(object ? *object : none, "“adapter”");
    shape.rank = own.integer("rank", 8, 1, 512);
    shape.alpha = float(own.number("alpha", 16, 1e-3, 1e6));
    const bool given = own.has("targets");
    const std::vector<std::string> names = own.texts("targets");
    if (!given) shape.targets.fill(true);
    for (const std::string & name : names) {
        size_t t = 0;
        while (t < target_count && name != target_names[t]) t++;
        if (t == target_count) throw Failure(Problem::badRequest, "“targets”: " + name + " is none of q, k, v, o, gate, up, down");
        shape.targets[t] = true;
    }
    if (given && names.empty()) throw Failure(Problem::badRequest, "“targets” must name at least one matrix");
    own.finish();
    return shape;
}

Adapter load_checked(const Common & common, const std::string & path) {
    Adapter adapter = load_adapter(common.ggml, common.model, path);
    if (!common.model_sha256.empty() && !adapter.base_sha256.empty() && common.model_sha256 != adapter.base_sha256) {
        throw Failure(Problem::adapterMismatch, path + " was trained on another base model (sha256 " + adapter.base_sha256.substr(0, 12) + "…).");
    }
    return adapter;
}

std::vector<FrozenAdapter> read_stack(const Common & common, const Json & list, const char * where) {
    std::vector<FrozenAdapter> stack;
    for (const Json & item : list.array) {
        Fields fields(item, where);
        const std::string path = fields.text("path");
        const float scale = float(fields.number("scale", 1, -100, 100));
        fields.finish();
        stack.push_back({load_checked(common, path), scale});
    }
    return stack;
}

Matrices read_mode(Fields & fields) {
    const std::string mode = fields.text("mode", "both");
    if (mode == "both") return Matrices::both;
    if (mode == "b") return Matrices::b;
    if (mode == "a") return Matrices::a;
    throw Failure(Problem::badRequest, "“mode” must be both, b or a");
}

const char * name_of(Matrices mode) { return mode == Matrices::both ? "both" : mode == Matrices::b ? "b" : "a"; }

} // namespace argot
