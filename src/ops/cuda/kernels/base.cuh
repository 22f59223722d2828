// Types and conversions. PRECISION is 0 for f32, 1 for TF32, 2 for bf16.
//
// Feature maps lie channels last: a pixel's channels are one piece of a row of `stride` numbers, a multiple
// of 8; a layer reads the first so many of them. Pixels count through the images of the batch, row by row.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#if PRECISION == 2
typedef u16 map_t; // a number of a feature map, in memory
typedef u16 op_t;  // a factor of a product, in shared memory
#else
typedef float map_t;
typedef float op_t;
#endif

// What a product takes at once of the channels (or pixels) that it sums over.
constexpr int DEPTH = 16;
// Numbers from one row of DEPTH factors to the next in shared memory: the rows that a warp reads at once
// then lie in different banks.
constexpr int STRIDE = PRECISION == 2 ? 16 : 24;
// Numbers after a row of n factors, for the same reason, where a product sums over the rows.
constexpr int GAP = 8;

#ifndef HOST_KERNELS
__device__ __forceinline__ unsigned char *shared_memory() {
    extern __shared__ float4 memory[];
    return reinterpret_cast<unsigned char *>(memory);
}

__device__ __forceinline__ void mma_tf32(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if PRECISION == 1
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

__device__ __forceinline__ void mma_bf16(float (&c)[4], const u32 (&a)[4], const u32 (&b)[2]) {
#if PRECISION == 2
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
#endif

// Four neighbouring channels.
struct Quad {
    float v[4];
};

__device__ __forceinline__ Quad zeros() { return Quad{{0.0f, 0.0f, 0.0f, 0.0f}}; }

__device__ __forceinline__ float from_bf16(u32 bits) { return __uint_as_float(bits << 16); }

// The nearest bf16, ties to even; NaN stays NaN.
__device__ __forceinline__ u16 to_bf16(float x) {
    u32 bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return u16(0x7fff);
    return u16((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// The nearest TF32, ties away from 0, as bits of a float. NaN and infinity stay what they are.
__device__ __forceinline__ float to_tf32(float x) {
    u32 bits = __float_as_uint(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) return x;
    return __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}

__device__ __forceinline__ float number(float x) { return x; }
__device__ __forceinline__ float number(u16 x) { return from_bf16(x); }

// A number as it will be read again from a feature map.
__device__ __forceinline__ float rounded(float x) {
#if PRECISION == 2
    return from_bf16(to_bf16(x));
#else
    return x;
#endif
}

__device__ __forceinline__ void put(float *to, float x) { *to = x; }
__device__ __forceinline__ void put(u16 *to, float x) { *to = to_bf16(x); }

// A number as a factor of a product.
__device__ __forceinline__ op_t factor(float x) {
#if PRECISION == 2
    return to_bf16(x);
#elif PRECISION == 1
    return to_tf32(x);
#else
    return x;
#endif
}

// Four numbers from a place that is a multiple of four of them.
__device__ __forceinline__ Quad quad(const float *from) {
    float4 x = *reinterpret_cast<const float4 *>(from);
    return Quad{{x.x, x.y, x.z, x.w}};
}
__device__ __forceinline__ Quad quad(const u16 *from) {
    uint2 x = *reinterpret_cast<const uint2 *>(from);
    return Quad{{from_bf16(x.x & 0xffffu), from_bf16(x.x >> 16), from_bf16(x.y & 0xffffu), from_bf16(x.y >> 16)}};
}

// Two neighbouring channels.
struct Pair {
    float v[2];
};

// Two numbers at a place that is a multiple of two of them.
__device__ __forceinline__ Pair pair(const float *from) {
    float2 x = *reinterpret_cast<const float2 *>(from);
    return Pair{{x.x, x.y}};
}
__device__ __forceinline__ Pair pair(const u16 *from) {
    u32 x = *reinterpret_cast<const u32 *>(from);
    return Pair{{from_bf16(x & 0xffffu), from_bf16(x >> 16)}};
}
__device__ __forceinline__ void put_pair(float *to, float x, float y) {
    float2 both;
    both.x = x;
    both.y = y;
    *reinterpret_cast<float2 *>(to) = both;
}
__device__ __forceinline__ void put_pair(u16 *to, float x, float y) {
    *reinterpret_cast<u32 *>(to) = u32(to_bf16(x)) | u32(to_bf16(y)) << 16;
}

// The first `count` (4 or fewer) numbers from any place, zeros after them.
template <class T>
__device__ __forceinline__ Quad quad_of(const T *from, int count, bool aligned) {
    if (aligned && count >= 4) return quad(from);
    Quad found = zeros();
#pragma unroll
    for (int i = 0; i < 4; ++i)
        if (i < count) found.v[i] = number(from[i]);
    return found;
}

// Four factors into shared memory, at a multiple of four of them.
__device__ __forceinline__ void put_factors(op_t *to, const Quad &x) {
#if PRECISION == 2
    uint2 bits;
    bits.x = u32(to_bf16(x.v[0])) | u32(to_bf16(x.v[1])) << 16;
    bits.y = u32(to_bf16(x.v[2])) | u32(to_bf16(x.v[3])) << 16;
    *reinterpret_cast<uint2 *>(to) = bits;
#else
    *reinterpret_cast<float4 *>(to) = make_float4(factor(x.v[0]), factor(x.v[1]), factor(x.v[2]), factor(x.v[3]));
#endif
}

// Four factors from memory that holds factors.
#if PRECISION == 2
typedef uint2 Factors;
#else
typedef float4 Factors;
#endif
__device__ __forceinline__ Factors factors(const op_t *from) { return *reinterpret_cast<const Factors *>(from); }
__device__ __forceinline__ void put_factors(op_t *to, Factors x) { *reinterpret_cast<Factors *>(to) = x; }

// Does `fetch` and then `use` for each number below COUNT of this thread, in groups that keep at most HELD
// registers: all of a group is asked for before the first is used, as memory is far away.
template <int COUNT, int THREADS, int HELD, class Raw, class Fetch, class Use>
__device__ __forceinline__ void in_groups(const Fetch &fetch, const Use &use) {
    constexpr int EACH = (COUNT + THREADS - 1) / THREADS, MOST = HELD * 4 / int(sizeof(Raw));
    constexpr int GROUP = EACH < MOST ? EACH : MOST;
    for (int from = int(threadIdx.x); from < COUNT; from += GROUP * THREADS) {
        Raw raw[GROUP];
#pragma unroll
        for (int u = 0; u < GROUP; ++u)
            if (from + u * THREADS < COUNT) raw[u] = fetch(from + u * THREADS);
#pragma unroll
        for (int u = 0; u < GROUP; ++u)
            if (from + u * THREADS < COUNT) use(from + u * THREADS, raw[u]);
    }
}

__device__ __forceinline__ int lane_of() { return int(threadIdx.x) & 31; }
__device__ __forceinline__ int warp_of() { return int(threadIdx.x) >> 5; }
