#include "threads.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <sys/resource.h>
#if defined(__linux__)
#include <sched.h>
#endif
#endif

namespace argot {

namespace {

inline void relax() {
#if defined(ARGOT_X86)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

} // namespace

Threads::Threads(int count) {
    for (int i = 1; i < count; i++) workers_.emplace_back([this, i] { loop(i); });
}

Threads::~Threads() {
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        quit_ = true;
    }
    wake_.notify_all();
    for (std::thread & worker : workers_) worker.join();
}

void Threads::work(int worker) {
    for (;;) {
        const int64_t index = next_.fetch_add(1);
        if (index >= tasks_ || (stoppable_ && stop.load(std::memory_order_relaxed))) return;
        (*task_)(index, worker);
    }
}

void Threads::loop(int worker) {
    uint64_t seen = 0;
    for (;;) {
        // The next kernel usually follows within microseconds, sooner than the system would wake a sleeper.
        for (int i = 0; i < 4000 && generation_.load(std::memory_order_acquire) == seen; i++) relax();
        {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return quit_ || generation_ != seen; });
            if (quit_) return;
            seen = generation_;
        }
        work(worker);
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            busy_--;
        }
        done_.notify_one();
    }
}

void Threads::share_out(int64_t tasks, const std::function<void(int64_t, int)> & task, bool stoppable) {
    if (workers_.empty() || tasks <= 1) {
        for (int64_t i = 0; i < tasks && !(stoppable && stop.load(std::memory_order_relaxed)); i++) task(i, 0);
        return;
    }
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        task_ = &task;
        tasks_ = tasks;
        stoppable_ = stoppable;
        next_ = 0;
        busy_ = int(workers_.size());
        generation_++;
    }
    wake_.notify_all();
    work(0);
    for (int i = 0; i < 4000 && busy_.load(std::memory_order_acquire) > 0; i++) relax();
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return busy_ == 0; });
}

void lower_priority() {
#if defined(_WIN32)
    SetPriorityClass(GetCurrentProcess(), IDLE_PRIORITY_CLASS);
#else
    setpriority(PRIO_PROCESS, 0, 19);
#if defined(__linux__) && defined(SCHED_IDLE)
    struct sched_param param = {};
    sched_setscheduler(0, SCHED_IDLE, &param);
#endif
#endif
}

} // namespace argot
