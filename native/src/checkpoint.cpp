#include "checkpoint.h"

#include <cstring>

namespace argot {

namespace {

constexpr char magic[8] = {'A', 'R', 'G', 'O', 'T', 'C', 'K', '1'};
constexpr size_t header_bytes = 8 + 8 + 8 + 12 * 8;

template <typename T>
void put(std::vector<uint8_t> & out, const T & value) {
    const auto * p = reinterpret_cast<const uint8_t *>(&value);
    out.insert(out.end(), p, p + sizeof value);
}

void put_all(std::vector<uint8_t> & out, const std::vector<float> & values) {
    const auto * p = reinterpret_cast<const uint8_t *>(values.data());
    out.insert(out.end(), p, p + values.size() * sizeof(float));
}

template <typename T>
T take(const uint8_t *& p) {
    T value;
    std::memcpy(&value, p, sizeof value);
    p += sizeof value;
    return value;
}

std::vector<float> take_all(const uint8_t *& p, size_t n) {
    std::vector<float> values(n);
    std::memcpy(values.data(), p, n * sizeof(float));
    p += n * sizeof(float);
    return values;
}

} // namespace

uint64_t hash_bytes(const void * data, size_t size, uint64_t hash) {
    const auto * p = static_cast<const uint8_t *>(data);
    for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

void save_checkpoint(const std::string & path, const std::string & fingerprint, const TrainState & s) {
    std::vector<uint8_t> out(magic, magic + sizeof magic);
    put(out, hash_bytes(fingerprint.data(), fingerprint.size()));
    put(out, uint64_t(s.parameters.size()));
    for (const int64_t number : {s.step, s.epoch, s.pack, s.tokens, s.labelled, s.examples, s.stale, s.best_step, s.validated}) put(out, number);
    put(out, s.dropout_stream);
    put(out, s.best_loss);
    put(out, s.seconds);
    put_all(out, s.parameters);
    put_all(out, s.moments.first);
    put_all(out, s.moments.second);
    put_all(out, s.best.empty() ? s.parameters : s.best);
    put(out, hash_bytes(out.data(), out.size()));
    write_file_atomically(path, out);
}

TrainState load_checkpoint(const std::string & path, const std::string & fingerprint, size_t parameters) {
    const auto refuse = [&](const std::string & why) -> void {
        throw Failure(Problem::checkpointInvalid, "The checkpoint " + path + " can't be used: " + why + ". Delete it to start afresh.");
    };
    const std::string text = read_file(path);
    const auto * p = reinterpret_cast<const uint8_t *>(text.data());
    if (text.size() < header_bytes + 8 || std::memcmp(p, magic, sizeof magic) != 0) refuse("it is no checkpoint");
    uint64_t sum;
    std::memcpy(&sum, p + text.size() - 8, 8);
    if (sum != hash_bytes(p, text.size() - 8)) refuse("it is damaged");
    p += sizeof magic;
    if (take<uint64_t>(p) != hash_bytes(fingerprint.data(), fingerprint.size())) refuse("it was written under other settings or data");
    const uint64_t n = take<uint64_t>(p);
    if (n != parameters || text.size() != header_bytes + n * 4 * sizeof(float) + 8) refuse("it belongs to an adapter of another shape");
    TrainState s;
    for (int64_t * number : {&s.step, &s.epoch, &s.pack, &s.tokens, &s.labelled, &s.examples, &s.stale, &s.best_step, &s.validated}) *number = take<int64_t>(p);
    s.dropout_stream = take<uint64_t>(p);
    s.best_loss = take<double>(p);
    s.seconds = take<double>(p);
    s.parameters = take_all(p, n);
    s.moments.first = take_all(p, n);
    s.moments.second = take_all(p, n);
    s.best = take_all(p, n);
    return s;
}

} // namespace argot
