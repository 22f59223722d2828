// What the kernels use of CUDA, for a C++20 compiler: so that tests run them where there is no GPU.
//
// Blocks run one after the other. Each thread of a block has a stack of its own and runs until it waits: at
// `__syncthreads`, or for its warp; which thread runs when is always the same. A thread that waits for
// others that never come ends the process with a message.
//
// ThreadSanitizer sees each of them as a thread (a "fiber" in its words) that nothing but `__syncthreads`
// orders: neither the switches between them, nor shuffles and products, which promise nothing about memory
// on a GPU either. Blocks are then run by two teams in turn, so that a block is not ordered after the one
// before it.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#define HOST_KERNELS 1
#define __device__
#define __global__
#define __forceinline__ inline

struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct dim3 {
    unsigned x = 1, y = 1, z = 1;
};

inline float4 make_float4(float x, float y, float z, float w) { return float4{x, y, z, w}; }
inline int min(int x, int y) { return x < y ? x : y; }
inline int max(int x, int y) { return x > y ? x : y; }
inline float __uint_as_float(unsigned bits) {
    float x;
    std::memcpy(&x, &bits, 4);
    return x;
}
inline unsigned __float_as_uint(float x) {
    unsigned bits;
    std::memcpy(&bits, &x, 4);
    return bits;
}

static dim3 blockIdx, blockDim, gridDim;

#if defined(HOST_THREAD_SANITIZER)
extern "C" {
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *at);
void __tsan_release(void *at);
}
#endif

namespace host {

// Of the harness itself: what it does is nothing that ThreadSanitizer should hear of.
#define HOST_QUIET __attribute__((noinline, no_sanitize("thread")))

constexpr int TEAMS =
#if defined(HOST_THREAD_SANITIZER)
    2;
#else
    1;
#endif
constexpr unsigned MOST_THREADS = 1024;
constexpr size_t STACK = 256 << 10, PAGE = 64 << 10;
// Memory that nobody has written: NaN as f32, as f64 and as bf16, and no index of anything.
constexpr unsigned GARBAGE = 0x7fffffffu;

[[noreturn]] inline void fail(const char *what) {
    std::fprintf(stderr, "%s (block %u, %u, %u)\n", what, blockIdx.x, blockIdx.y, blockIdx.z);
    std::fflush(stderr);
    _exit(1);
}

enum class Wait { NOTHING, BARRIER, SHUFFLE, PRODUCT_TF32, PRODUCT_BF16, ENDED };

// What a thread waits for, and what it brings.
struct Thread {
    void *place; // its stack pointer, or its context
    void *fiber; // of ThreadSanitizer
    unsigned index;
    unsigned phase; // barriers of the block that it has come to
    Wait wait;
    unsigned bits;     // SHUFFLE: what it gives, then what it gets
    unsigned distance; // SHUFFLE
    float *c;          // a product's fragments
    const unsigned *a, *b;
};

// The threads of a block.
struct Team {
    Thread *threads[MOST_THREADS];
    unsigned made;
    unsigned char *shared;
    unsigned blocks; // that it has begun
    // For ThreadSanitizer, as what orders threads. Two of each in turn: a thread that is ahead tells nothing
    // to those that come to the same place after it.
    char barrier[2], over[2];
};

static Team teams[TEAMS];
static Team *volatile team;
static Thread *volatile current;
static void *outside; // where the scheduler goes on
static void *outside_fiber;
static char begun, done; // as `barrier`
static bool backwards;   // the last block and the last thread first
static void (*volatile entry)(const void *);
static const void *volatile argument;

inline void acquire([[maybe_unused]] char *at) {
#if defined(HOST_THREAD_SANITIZER)
    __tsan_acquire(at);
#endif
}
inline void release([[maybe_unused]] char *at) {
#if defined(HOST_THREAD_SANITIZER)
    __tsan_release(at);
#endif
}

// Goes on at `to`, and says in `from` where to come back.
#if defined(__x86_64__)
extern "C" void host_switch(void **from, void *to) asm("host_switch");
asm(R"(
    .text
    .globl host_switch
host_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

inline void *beginning(unsigned char *stack, void (*body)()) {
    void **top = reinterpret_cast<void **>(stack + STACK);
    *--top = nullptr; // nobody to return to
    *--top = reinterpret_cast<void *>(body);
    for (int i = 0; i < 6; ++i) *--top = nullptr;
    return top;
}
#else
inline void host_switch(void **from, void *to) {
    ucontext_t *here = static_cast<ucontext_t *>(*from);
    if (here == nullptr) *from = here = new ucontext_t;
    swapcontext(here, static_cast<ucontext_t *>(to));
}

inline void *beginning(unsigned char *stack, void (*body)()) {
    ucontext_t *context = new ucontext_t;
    getcontext(context);
    context->uc_stack.ss_sp = stack;
    context->uc_stack.ss_size = STACK;
    context->uc_link = nullptr;
    makecontext(context, body, 0);
    return context;
}
#endif

// The scheduler lets a thread run.
HOST_QUIET void resume(Thread *thread) {
    current = thread;
#if defined(HOST_THREAD_SANITIZER)
    __tsan_switch_to_fiber(thread->fiber, 1); // 1: without ordering anything
#endif
    host_switch(&outside, thread->place);
}

// A thread hands back to the scheduler until what it waits for is there.
HOST_QUIET void pause(Wait wait) {
    Thread *thread = current;
    thread->wait = wait;
#if defined(HOST_THREAD_SANITIZER)
    __tsan_switch_to_fiber(outside_fiber, 1);
#endif
    host_switch(&thread->place, outside);
}

HOST_QUIET void call() { entry(argument); }

HOST_QUIET void body() {
    for (;;) {
        acquire(&begun);
        acquire(&team->over[(team->blocks + 1) % 2]); // of its block before
        call();
        release(&team->over[team->blocks % 2]);
        release(&done);
        pause(Wait::ENDED);
    }
}

HOST_QUIET void make_threads(Team &team, unsigned count) {
    for (; team.made < count; ++team.made) {
        Thread *thread = new Thread{};
        void *memory = mmap(nullptr, PAGE + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) fail("no memory for a thread's stack");
        mprotect(memory, PAGE, PROT_NONE); // a stack that is too small faults
        thread->place = beginning(static_cast<unsigned char *>(memory) + PAGE, body);
        thread->index = team.made;
#if defined(HOST_THREAD_SANITIZER)
        thread->fiber = __tsan_create_fiber(0);
#endif
        team.threads[team.made] = thread;
    }
}

HOST_QUIET void shuffle(Thread **lanes) {
    unsigned given[32];
    for (int lane = 0; lane < 32; ++lane) {
        if (lanes[lane]->distance != lanes[0]->distance) fail("a warp's threads disagree about a shuffle");
        given[lane] = lanes[lane]->bits;
    }
    for (unsigned lane = 0; lane < 32; ++lane) lanes[lane]->bits = given[lane ^ lanes[0]->distance];
}

HOST_QUIET float as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }

// Fragments as PTX has them, with g = lane / 4 and t = lane % 4:
// - m16n8k8, TF32: a = A[g][t], A[g+8][t], A[g][t+4], A[g+8][t+4]; b = B[t][g], B[t+4][g]
// - m16n8k16, bf16, two a register, the lower half first: a = A[g][2t, 2t+1], A[g+8][2t, 2t+1],
//   A[g][2t+8, 2t+9], A[g+8][2t+8, 2t+9]; b = B[2t, 2t+1][g], B[2t+8, 2t+9][g]
// - both, f32: c = C[g][2t], C[g][2t+1], C[g+8][2t], C[g+8][2t+1]
HOST_QUIET void product(Thread **lanes, bool bf16) {
    float a[16][16], b[16][8];
    const int depth = bf16 ? 16 : 8;
    for (int lane = 0; lane < 32; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 4; ++i) {
            const unsigned bits = lanes[lane]->a[i];
            const int row = g + i % 2 * 8;
            if (bf16) {
                a[row][2 * t + i / 2 * 8] = as_float(bits << 16);
                a[row][2 * t + 1 + i / 2 * 8] = as_float(bits & 0xffff0000u);
            } else {
                if ((bits & 0x1fffu) != 0 && (bits & 0x7f800000u) != 0x7f800000u) fail("a factor is no TF32");
                a[row][t + i / 2 * 4] = as_float(bits);
            }
        }
        for (int i = 0; i < 2; ++i) {
            const unsigned bits = lanes[lane]->b[i];
            if (bf16) {
                b[2 * t + i * 8][g] = as_float(bits << 16);
                b[2 * t + 1 + i * 8][g] = as_float(bits & 0xffff0000u);
            } else {
                if ((bits & 0x1fffu) != 0 && (bits & 0x7f800000u) != 0x7f800000u) fail("a factor is no TF32");
                b[t + i * 4][g] = as_float(bits);
            }
        }
    }
    for (int lane = 0; lane < 32; ++lane)
        for (int i = 0; i < 4; ++i) {
            const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            float sum = lanes[lane]->c[i];
            for (int k = 0; k < depth; ++k) sum += a[row][k] * b[k][column];
            lanes[lane]->c[i] = sum;
        }
}

// Runs a warp until all of it is at a barrier or at its end.
HOST_QUIET void run_warp(Thread **lanes, unsigned count) {
    for (;;) {
        for (unsigned i = 0; i < count; ++i) {
            Thread *thread = lanes[backwards ? count - 1 - i : i];
            if (thread->wait == Wait::NOTHING) resume(thread);
        }
        const Wait wait = lanes[0]->wait;
        bool alone = false, together = false;
        for (unsigned i = 0; i < count; ++i) {
            alone |= lanes[i]->wait == Wait::BARRIER || lanes[i]->wait == Wait::ENDED;
            together |= lanes[i]->wait != Wait::BARRIER && lanes[i]->wait != Wait::ENDED;
        }
        if (alone && together) fail("a warp's threads do not all take part in what they do together");
        if (alone) return;
        for (unsigned i = 0; i < count; ++i)
            if (lanes[i]->wait != wait) fail("a warp's threads do different things together");
        if (count < 32) fail("a warp that is not whole does something together");
        if (wait == Wait::SHUFFLE)
            shuffle(lanes);
        else
            product(lanes, wait == Wait::PRODUCT_BF16);
        for (unsigned i = 0; i < count; ++i) lanes[i]->wait = Wait::NOTHING;
    }
}

HOST_QUIET void run_block(unsigned count) {
    Thread **threads = team->threads;
    ++team->blocks;
    for (unsigned i = 0; i < count; ++i) {
        threads[i]->wait = Wait::NOTHING;
        threads[i]->phase = 0;
    }
    for (;;) {
        const unsigned warps = (count + 31) / 32;
        for (unsigned i = 0; i < warps; ++i) {
            const unsigned first = 32 * (backwards ? warps - 1 - i : i);
            run_warp(threads + first, count - first < 32 ? count - first : 32);
        }
        bool waiting = false, ended = false;
        for (unsigned i = 0; i < count; ++i) {
            waiting |= threads[i]->wait == Wait::BARRIER;
            ended |= threads[i]->wait == Wait::ENDED;
        }
        if (!waiting) return;
        if (ended) fail("some threads of a block end where others wait for them");
        for (unsigned i = 0; i < count; ++i) threads[i]->wait = Wait::NOTHING;
    }
}

HOST_QUIET dim3 thread_index() {
    dim3 index;
    index.x = current->index;
    index.y = index.z = 0;
    return index;
}

HOST_QUIET unsigned exchanged(unsigned bits, unsigned distance) {
    Thread *thread = current;
    thread->bits = bits;
    thread->distance = distance;
    pause(Wait::SHUFFLE);
    return thread->bits;
}

HOST_QUIET void multiply(Wait wait, float *c, const unsigned *a, const unsigned *b) {
    Thread *thread = current;
    thread->c = c;
    thread->a = a;
    thread->b = b;
    pause(wait);
}

HOST_QUIET unsigned char *shared() { return team->shared; }

} // namespace host

#define threadIdx (host::thread_index())

HOST_QUIET void __syncthreads() {
    char *barrier = &host::team->barrier[host::current->phase++ % 2];
    host::release(barrier);
    host::pause(host::Wait::BARRIER);
    host::acquire(barrier);
}

inline void whole(unsigned mask) {
    if (mask != 0xffffffffu) host::fail("a shuffle of a part of a warp");
}
inline float __shfl_xor_sync(unsigned mask, float x, int distance) {
    whole(mask);
    return __uint_as_float(host::exchanged(__float_as_uint(x), unsigned(distance)));
}
inline int __shfl_xor_sync(unsigned mask, int x, int distance) {
    whole(mask);
    return int(host::exchanged(unsigned(x), unsigned(distance)));
}

inline unsigned char *shared_memory() { return host::shared(); }

inline void mma_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    host::multiply(host::Wait::PRODUCT_TF32, c, a, b);
}
inline void mma_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    host::multiply(host::Wait::PRODUCT_BF16, c, a, b);
}
