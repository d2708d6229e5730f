// Memory for matrices: aligned to a cache line, since a vector load that straddles two costs twice, and not cleared. Its own, or a part of
// another buffer's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace argot {

template <typename T>
class Buffer {
  public:
    Buffer() = default;
    explicit Buffer(int64_t n) { resize(n); }
    ~Buffer() { release(); }
    Buffer(Buffer && other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), owns_(std::exchange(other.owns_, true)) {}
    Buffer & operator=(Buffer && other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(owns_, other.owns_);
        return *this;
    }
    Buffer(const Buffer &) = delete;
    Buffer & operator=(const Buffer &) = delete;

    /** Contents are undefined afterwards. */
    void resize(int64_t n) {
        if (n == size_) return;
        release();
        data_ = static_cast<T *>(::operator new(size_t(n > 0 ? n : 1) * sizeof(T), std::align_val_t(64)));
        size_ = n;
    }
    /** Stands for [at, at + n) of a buffer that outlives this one. */
    void lie_in(Buffer & whole, int64_t at, int64_t n) {
        release();
        data_ = whole.data_ + at;
        size_ = n;
        owns_ = false;
    }
    void clear() { std::memset(static_cast<void *>(data_), 0, size_t(size_) * sizeof(T)); }
    T * data() { return data_; }
    const T * data() const { return data_; }
    int64_t size() const { return size_; }
    T & operator[](int64_t i) { return data_[i]; }
    const T & operator[](int64_t i) const { return data_[i]; }

  private:
    void release() {
        if (owns_ && data_) ::operator delete(data_, std::align_val_t(64));
        data_ = nullptr;
        size_ = 0;
        owns_ = true;
    }
    T * data_ = nullptr;
    int64_t size_ = 0;
    bool owns_ = true;
};

} // namespace argot
