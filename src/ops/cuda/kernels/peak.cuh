// What the GPU can do at most: multiply-adds that wait for nothing but themselves, and a copy.

struct Peak { // of a launch
    float *sink; // by thread: nobody reads it
    int rounds;
};

// Blocks of 256 threads. A round is PEAK_CHAINS multiply-adds of a thread, or products of a warp.
constexpr int PEAK_CHAINS = 8;
__device__ __forceinline__ void peak(const Peak &of) {
    const float factor = 0.9999f, addend = 1e-4f * float(threadIdx.x);
    float sums[PEAK_CHAINS][4];
#pragma unroll
    for (int i = 0; i < PEAK_CHAINS; ++i) sums[i][0] = sums[i][1] = sums[i][2] = sums[i][3] = addend + float(i);
#if PRECISION != 0
    const u32 one = PRECISION == 1 ? 0x3f7fe000u : 0x3f7f3f7fu;
    const u32 a[4] = {one, one, one, one}, b[2] = {one, one};
#endif
    for (int round = 0; round < of.rounds; ++round)
#pragma unroll
        for (int i = 0; i < PEAK_CHAINS; ++i) {
#if PRECISION == 0
#pragma unroll
            for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(sums[i][j], factor, addend);
#elif PRECISION == 1
            mma_tf32(sums[i], a, b);
#else
            mma_bf16(sums[i], a, b);
#endif
        }
    float all = 0.0f;
#pragma unroll
    for (int i = 0; i < PEAK_CHAINS; ++i) all += sums[i][0] + sums[i][1] + sums[i][2] + sums[i][3];
    of.sink[size_t(blockIdx.x) * 256 + threadIdx.x] = all + factor;
}

struct Copy { // of a launch
    const float *from;
    float *to;
    int quads; // groups of four numbers
};

// Any number of blocks of 256 threads.
__device__ __forceinline__ void copy(const Copy &of) {
    const float4 *from = reinterpret_cast<const float4 *>(of.from);
    float4 *to = reinterpret_cast<float4 *>(of.to);
#pragma unroll 4
    for (int at = int(blockIdx.x) * 256 + int(threadIdx.x); at < of.quads; at += int(gridDim.x) * 256) to[at] = from[at];
}
