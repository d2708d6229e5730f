#include "dataset.h"

#include "fail.h"

#include <cmath>

namespace argot {

namespace {

struct LineReader {
    const std::string & path;
    size_t line;
    int64_t vocabulary, capacity;

    [[noreturn]] void refuse(const std::string & why) const {
        throw Failure(Problem::dataInvalid, path + ", line " + std::to_string(line) + ": " + why + ".");
    }

    int64_t whole(const Json & json, const char * what, int64_t most) const {
        if (json.kind != Json::Kind::number || json.number != std::floor(json.number) || json.number < 0 || json.number > double(most)) {
            refuse(std::string(what) + " must be a whole number from 0 to " + std::to_string(most));
        }
        return int64_t(json.number);
    }

    double weight(const Json & json) const {
        if (json.kind != Json::Kind::number || !(json.number >= 0) || json.number > 1e6) refuse("a weight must be a number from 0 to 1000000");
        return json.number;
    }

    void label(const Json & range, double of_example, Example & example) const {
        const bool shaped = range.kind == Json::Kind::array && (range.array.size() == 2 || range.array.size() == 3);
        if (!shaped) refuse("each of “labels” must be [from, to] or [from, to, weight]");
        const int64_t n = int64_t(example.tokens.size());
        const int64_t from = whole(range.array[0], "a label's start", n), to = whole(range.array[1], "a label's end", n);
        const double own = range.array.size() == 3 ? weight(range.array[2]) : 1;
        if (from < 1 || from > to) refuse("a label's range must start at 1 or later (nothing predicts the first token) and end after it");
        for (int64_t i = from; i < to; i++) example.weights[size_t(i)] = float(own * of_example);
    }

    Example example(const std::string & text) const {
        Json json;
        try {
            json = parse_json(text);
        } catch (const Failure & failure) {
            refuse(failure.what());
        }
        if (json.kind != Json::Kind::object) refuse("an example must be an object");
        for (const auto & member : json.object) {
            if (member.first != "tokens" && member.first != "labels" && member.first != "weight" && member.first != "id") refuse("“" + member.first + "” is not known");
        }
        const auto tokens = json.object.find("tokens");
        if (tokens == json.object.end() || tokens->second.kind != Json::Kind::array) refuse("“tokens” must be a list");
        const size_t n = tokens->second.array.size();
        if (n < 2) refuse("an example needs at least two tokens");
        if (int64_t(n) > capacity) refuse("the example has " + std::to_string(n) + " tokens, and “sequence” is " + std::to_string(capacity));
        Example e;
        for (const Json & token : tokens->second.array) e.tokens.push_back(int32_t(whole(token, "a token", vocabulary - 1)));
        e.weights.assign(n, 0.0f);
        const auto own = json.object.find("weight");
        const double of_example = own == json.object.end() ? 1 : weight(own->second);
        const auto labels = json.object.find("labels");
        if (labels == json.object.end()) {
            for (size_t i = 1; i < n; i++) e.weights[i] = float(of_example);
        } else {
            if (labels->second.kind != Json::Kind::array) refuse("“labels” must be a list");
            for (const Json & range : labels->second.array) label(range, of_example, e);
        }
        for (const float w : e.weights) {
            e.total += double(w);
            if (w > 0) e.labelled++;
        }
        return e;
    }
};

} // namespace

std::vector<Example> load_examples(const std::string & path, int64_t vocabulary, int64_t capacity) {
    const std::string text = read_file(path);
    std::vector<Example> examples;
    size_t line = 0;
    for (size_t at = 0; at < text.size();) {
        size_t end = text.find('\n', at);
        if (end == std::string::npos) end = text.size();
        line++;
        if (end > at) examples.push_back(LineReader{path, line, vocabulary, capacity}.example(text.substr(at, end - at)));
        at = end + 1;
    }
    double total = 0;
    for (const Example & e : examples) total += e.total;
    if (total <= 0) throw Failure(Problem::dataInvalid, path + " holds no example with a labelled token.");
    return examples;
}

std::vector<std::vector<uint32_t>> pack_examples(const std::vector<Example> & examples, const std::vector<uint32_t> & order, int64_t capacity,
                                                 size_t most_segments) {
    constexpr size_t most_open = 16;
    std::vector<std::vector<uint32_t>> packs;
    std::vector<int64_t> used;
    for (const uint32_t index : order) {
        if (examples[index].labelled == 0) continue;
        const int64_t length = int64_t(examples[index].tokens.size());
        size_t pack = packs.size();
        for (size_t p = packs.size() > most_open ? packs.size() - most_open : 0; p < packs.size(); p++) {
            if (used[p] + length <= capacity && packs[p].size() < most_segments) {
                pack = p;
                break;
            }
        }
        if (pack == packs.size()) {
            packs.emplace_back();
            used.push_back(0);
        }
        packs[pack].push_back(index);
        used[pack] += length;
    }
    return packs;
}

Pack make_pack(const std::vector<Example> & examples, const std::vector<uint32_t> & members, const std::function<double(uint32_t)> & scale) {
    Pack pack;
    for (const uint32_t index : members) {
        const Example & e = examples[index];
        const int64_t start = int64_t(pack.tokens.size());
        pack.segments.push_back({start, int64_t(e.tokens.size())});
        pack.tokens.insert(pack.tokens.end(), e.tokens.begin(), e.tokens.end());
        const double factor = scale(index);
        for (size_t i = 1; i < e.tokens.size(); i++) {
            if (e.weights[i] > 0) pack.labels.push_back({start + int64_t(i) - 1, e.tokens[i], double(e.weights[i]) * factor});
        }
    }
    return pack;
}

} // namespace argot
