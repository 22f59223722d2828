// 1x1 convolutions: a tile is 16·MT·WARPS neighbouring pixels by BN output channels.

// Σ over channels of factors from `load` and packed weights [chunks, BN, DEPTH], for the tile's pixels from
// `begin` on, of which `there` are there. `a` and `b` are shared memory for the factors.
template <int MT, int WARPS, int BN, class Load>
__device__ __forceinline__ void over_channels(Sums<MT, BN> &sums, const Load &load, int begin, int there, int channels,
                                              const op_t *weights, op_t *a, op_t *b) {
    constexpr int THREADS = 32 * WARPS, QUADS = 2 * MT, WEIGHTS = (4 * BN + THREADS - 1) / THREADS;
    const int thread = int(threadIdx.x), chunks = (channels + DEPTH - 1) / DEPTH;
    int rows[2 * MT];
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) rows[i] = (16 * MT * warp_of() + lane_of() / 4 + 8 * i) * STRIDE;
    // Chunks on their way: where there are few pixels there are few warps that could hide the wait.
    constexpr int AHEAD = MT == 1 ? 2 : 1;
    typename Load::Raw raw[AHEAD][QUADS];
    Factors w[AHEAD][WEIGHTS];
    auto fetch = [&](int slot, int chunk) {
#pragma unroll
        for (int u = 0; u < QUADS; ++u) {
            int v = thread + THREADS * u, row = v / 4;
            raw[slot][u] = load.fetch(row < there ? begin + row : -1, DEPTH * chunk + v % 4 * 4);
        }
#pragma unroll
        for (int u = 0; u < WEIGHTS; ++u) {
            int v = thread + THREADS * u;
            if (v < 4 * BN) w[slot][u] = factors(weights + (size_t(chunk) * 4 * BN + v) * 4);
        }
    };
    sums.clear();
#pragma unroll
    for (int slot = 0; slot < AHEAD; ++slot)
        if (slot < chunks) fetch(slot, slot);
    for (int round = 0; round < chunks; round += AHEAD)
#pragma unroll
        for (int slot = 0; slot < AHEAD; ++slot) {
            const int chunk = round + slot;
            if (chunk >= chunks) break;
            __syncthreads(); // everybody is done with the chunk before
#pragma unroll
            for (int u = 0; u < QUADS; ++u) {
                int v = thread + THREADS * u, row = v / 4, c = v % 4 * 4;
                put_factors(a + row * STRIDE + c,
                            load.value(raw[slot][u], row < there ? begin + row : -1, DEPTH * chunk + c));
            }
#pragma unroll
            for (int u = 0; u < WEIGHTS; ++u) {
                int v = thread + THREADS * u;
                if (v < 4 * BN) put_factors(b + v / 4 * STRIDE + v % 4 * 4, w[slot][u]);
            }
            __syncthreads();
            if (chunk + AHEAD < chunks) fetch(slot, chunk + AHEAD);
            sums.add(a, rows, b);
        }
}

// The pixels of the lane's rows in a tile.
template <int MT>
__device__ __forceinline__ Rows<MT> rows_from(int begin, int there) {
    Rows<MT> rows;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
        int row = 16 * MT * warp_of() + lane_of() / 4 + 8 * i;
        rows.pixel[i] = row < there ? begin + row : -1;
    }
    return rows;
}

// Shared memory of a 1x1 convolution: factors [rows, STRIDE] and [BN, STRIDE], then f32.
template <int MT, int WARPS, int BN>
struct PointwiseMemory {
    op_t *a, *b;
    float *scratch, *coefficients;
    __device__ __forceinline__ PointwiseMemory() {
        a = reinterpret_cast<op_t *>(shared_memory());
        b = a + 16 * MT * WARPS * STRIDE;
        scratch = reinterpret_cast<float *>(b + BN * STRIDE);
        coefficients = scratch + 3 * WARPS * BN;
    }
};

struct PointwiseForward { // of a launch
    const map_t *maps;    // [pixels, stride]: what is normalised and multiplied
    const float *mean;    // of each input channel, as the next three
    const float *scale;   // 1/√(variance + ε)
    const float *weight;  // γ
    const float *bias;    // β
    const op_t *packed;   // weights [column tiles, chunks, BN, DEPTH]
    map_t *output;        // [pixels, output_stride]
    double *moments;      // [3][outputs, tiles]
    const Clock *clock;   // for dropout, as the next two
    int stride;
    int channels;         // inputs
    int pixels;           // outputs of the batch, in pixels
    int side;             // of the maps (of the input, where it is pooled)
    int output_stride;
    int outputs;
    int convolution;
    float rate;
};

// BN-ReLU-1x1. POOLED: with an average over 2x2 pixels before the product. Grid: see Part.
template <int MT, int WARPS, int BN, bool POOLED, bool DROPOUT, bool MEASURE>
__device__ __forceinline__ void pointwise_forward(const PointwiseForward &of) {
    PointwiseMemory<MT, WARPS, BN> memory;
    const Part part(of.outputs, BN);
    const int begin = part.tile * 16 * MT * WARPS, there = min(16 * MT * WARPS, of.pixels - begin);
    const int first = part.column * BN, chunks = (of.channels + DEPTH - 1) / DEPTH;
    const op_t *weights = of.packed + size_t(part.column) * chunks * BN * DEPTH;
    Normalised maps{of.maps, of.stride, of.channels,
                    Norm(memory.coefficients, up(of.channels, DEPTH), of.channels, of.mean, of.scale, of.weight,
                         of.bias)};
    __syncthreads();
    Sums<MT, BN> sums;
    if constexpr (POOLED)
        over_channels<MT, WARPS, BN>(sums, Pooled{maps, of.side}, begin, there, of.channels, weights, memory.a,
                                     memory.b);
    else
        over_channels<MT, WARPS, BN>(sums, maps, begin, there, of.channels, weights, memory.a, memory.b);
    Rows<MT> rows = rows_from<MT>(begin, there);
    if (DROPOUT)
        drop(sums, rows, Dropout{of.clock, of.convolution, of.rate, of.outputs, of.side * of.side}, first, of.outputs);
    write(sums, rows, of.output, of.output_stride, 0, first, of.outputs);
    if (MEASURE)
        measure<MT, WARPS, BN>(sums, rows, there, memory.scratch, Moments{of.moments, of.outputs, part.tiles},
                               part.tile, first, of.outputs);
}

struct PointwiseBackward { // of a launch
    const map_t *maps;     // [pixels, stride]: what was normalised, with its mean, scale, γ and β
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    const op_t *packed;    // weights, outputs to inputs [column tiles, chunks, BN, DEPTH]
    float *gradient;       // [pixels, stride]: of the maps
    float *left;           // [2][channels, tiles]
    const map_t *d;        // the output's gradient behind its ReLU [pixels, output_stride], or (SPREAD) nothing
    const map_t *output;   // what the convolution wrote [pixels, output_stride] (SPREAD: into the next block)
    const float *output_gradient; // SPREAD: the next block's gradient
    const float *output_mean;
    const float *output_scale;
    const float *output_weight;   // γ of the normalisation behind the output, as the next two (not SPREAD)
    const float *shift;
    const float *slope;
    const double *output_left;    // SPREAD: means left, pairs by channel
    const Clock *clock;
    int stride;
    int channels; // inputs
    int pixels;
    int side;
    int output_stride;
    int outputs;
    int convolution;
    float rate;
};

// The gradient of the maps that a 1x1 convolution read. SPREAD: it was that of a transition, whose output
// was averaged; its gradient replaces what is there. Grid: see Part.
template <int MT, int WARPS, int BN, bool SPREAD, bool DROPOUT>
__device__ __forceinline__ void pointwise_backward(const PointwiseBackward &of) {
    PointwiseMemory<MT, WARPS, BN> memory;
    const Part part(of.channels, BN);
    const int begin = part.tile * 16 * MT * WARPS, there = min(16 * MT * WARPS, of.pixels - begin);
    const int first = part.column * BN, room = up(of.outputs, DEPTH);
    const op_t *weights = of.packed + size_t(part.column) * room * BN;
    Dropout dropout{of.clock, of.convolution, of.rate, of.outputs, of.side * of.side};
    float *coefficients = memory.coefficients;
    Norm norm(coefficients, BN, of.channels - first, of.mean + first, of.scale + first, of.weight + first,
              of.bias + first);
    coefficients += Norm::ROWS * BN;
    Sums<MT, BN> sums;
    Rows<MT> rows = rows_from<MT>(begin, there);
    if constexpr (SPREAD) {
        Finished<false> finished(coefficients, room, of.output_gradient, of.output, of.output_stride, 0, of.outputs,
                                 of.output_mean, of.output_scale, of.output_left, Dropout{});
        Spread<DROPOUT> load{finished, of.side, dropout};
        __syncthreads();
        over_channels<MT, WARPS, BN>(sums, load, begin, there, of.outputs, weights, memory.a, memory.b);
        through_relu<MT, WARPS, BN, REPLACE>(sums, rows, of.maps, of.stride, norm, nullptr, of.gradient,
                                             memory.scratch, of.left, part.tiles, part.tile, first,
                                             of.channels);
    } else {
        Inner<DROPOUT> load(coefficients, room, of.d, of.output, of.output_stride, of.outputs, of.output_mean,
                            of.output_scale, of.output_weight, of.shift, of.slope, dropout);
        __syncthreads();
        over_channels<MT, WARPS, BN>(sums, load, begin, there, of.outputs, weights, memory.a, memory.b);
        through_relu<MT, WARPS, BN, ADD>(sums, rows, of.maps, of.stride, norm, nullptr, of.gradient, memory.scratch,
                                         of.left, part.tiles, part.tile, first, of.channels);
    }
}

struct Pool { // of a launch
    const map_t *maps; // [pixels, stride] of `side`
    map_t *output;     // [pixels, output_stride] of half the side
    double *moments;   // [3][channels, tiles]
    int stride;
    int channels;
    int pixels; // of the output
    int side;
    int output_stride;
};

// Pixels of a tile.
constexpr int POOL_PIXELS = 32;

// The average over 2x2 pixels, measured. Grid: tiles by 128 channels.
__device__ __forceinline__ void pool(const Pool &of) {
    const int c = int(blockIdx.y) * 128 + int(threadIdx.x), begin = int(blockIdx.x) * POOL_PIXELS;
    const int end = min(of.pixels, begin + POOL_PIXELS), half = of.side / 2;
    if (c >= of.channels) return;
    float sum = 0.0f;
    for (int pixel = begin; pixel < end; ++pixel) {
        int row = pixel / half, image = row / half;
        const map_t *from =
            of.maps + (size_t(image * of.side + row % half * 2) * of.side + pixel % half * 2) * of.stride + c;
        float all = 0.0f;
        for (int i = 0; i < 4; ++i) all += number(from[size_t(i / 2 * of.side + i % 2) * of.stride]);
        float y = rounded(0.25f * all);
        put(of.output + size_t(pixel) * of.output_stride + c, y);
        sum += y;
    }
    measure_channel(of.output, of.output_stride, c, begin, end, sum, Moments{of.moments, of.channels, int(gridDim.x)},
                    int(blockIdx.x));
}
