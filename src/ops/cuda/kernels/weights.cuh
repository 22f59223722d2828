// Gradients of convolution weights: Σ over pixels of input times output gradient. The pixels are cut into
// slices; each leaves a sum of its own in `partial` ([slices] times the weights in their own order), and
// `join_weights` adds them up in their order.

struct PointwiseWeights { // of a launch
    const map_t *maps;    // [pixels, stride]: what was normalised, with its mean, scale, γ and β
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    float *partial;               // [slices][outputs, channels]
    const map_t *d;               // as in PointwiseBackward
    const map_t *output;
    const float *output_gradient;
    const float *output_mean;
    const float *output_scale;
    const float *output_weight;
    const float *shift;
    const float *slope;
    const double *output_left;
    const Clock *clock;
    int stride;
    int channels;
    int pixels;
    int slice; // pixels of a slice
    int side;
    int output_stride;
    int outputs;
    int convolution;
    float rate;
};

// Pixels in shared memory at a time.
constexpr int WEIGHT_PIXELS = 32;

template <int MT, int WARPS, int BN, class Input, class Load>
__device__ __forceinline__ void over_pixels(Sums<MT, BN> &sums, const Input &input, int first, const Load &output,
                                            int column, int begin, int end, op_t *a, op_t *b) {
    constexpr int THREADS = 32 * WARPS, ROWS = 16 * MT * WARPS, A = ROWS / 4, B = BN / 4;
    constexpr int AQ = WEIGHT_PIXELS * A / THREADS, BQ = (WEIGHT_PIXELS * B + THREADS - 1) / THREADS;
    constexpr int AS = ROWS + GAP, BS = BN + GAP;
    const int thread = int(threadIdx.x);
    typename Input::Raw x[AQ];
    typename Load::Raw g[BQ];
    auto fetch = [&](int at) {
#pragma unroll
        for (int u = 0; u < AQ; ++u) {
            int v = thread + THREADS * u, pixel = at + v / A;
            x[u] = input.fetch(pixel < end ? pixel : -1, first + v % A * 4);
        }
#pragma unroll
        for (int u = 0; u < BQ; ++u) {
            int v = thread + THREADS * u, pixel = at + v / B;
            g[u] = output.fetch(v < WEIGHT_PIXELS * B && pixel < end ? pixel : -1, column + v % B * 4);
        }
    };
    sums.clear();
    if (begin < end) fetch(begin);
    for (int at = begin; at < end; at += WEIGHT_PIXELS) {
        __syncthreads();
#pragma unroll
        for (int u = 0; u < AQ; ++u) {
            int v = thread + THREADS * u, pixel = at + v / A, c = v % A * 4;
            put_factors(a + v / A * AS + c, input.value(x[u], pixel < end ? pixel : -1, first + c));
        }
#pragma unroll
        for (int u = 0; u < BQ; ++u) {
            int v = thread + THREADS * u, pixel = at + v / B, c = v % B * 4;
            if (v < WEIGHT_PIXELS * B)
                put_factors(b + v / B * BS + c, output.value(g[u], pixel < end ? pixel : -1, column + c));
        }
        __syncthreads();
        if (at + WEIGHT_PIXELS < end) fetch(at + WEIGHT_PIXELS);
        const op_t *mine = a + 16 * MT * warp_of();
#pragma unroll
        for (int k = 0; k < WEIGHT_PIXELS; k += DEPTH)
            sums.add_rows(mine + k * AS, [](int k) { return k * AS; }, b + k * BS, BS);
    }
}

// Of a 1x1 convolution, SPREAD: of a transition's. Grid: tiles of 16·MT·WARPS inputs, column tiles of BN
// outputs, slices.
template <int MT, int WARPS, int BN, bool SPREAD, bool DROPOUT>
__device__ __forceinline__ void pointwise_weights(const PointwiseWeights &of) {
    constexpr int ROWS = 16 * MT * WARPS;
    op_t *a = reinterpret_cast<op_t *>(shared_memory()), *b = a + WEIGHT_PIXELS * (ROWS + GAP);
    float *coefficients = reinterpret_cast<float *>(b + WEIGHT_PIXELS * (BN + GAP));
    const int first = int(blockIdx.x) * ROWS, column = int(blockIdx.y) * BN, begin = int(blockIdx.z) * of.slice;
    const int end = min(of.pixels, begin + of.slice), room = up(of.outputs, DEPTH);
    Dropout dropout{of.clock, of.convolution, of.rate, of.outputs, of.side * of.side};
    Norm norm(coefficients, ROWS, of.channels - first, of.mean + first, of.scale + first, of.weight + first,
              of.bias + first);
    coefficients += Norm::ROWS * ROWS;
    // Its channels count from `first`.
    Normalised input{of.maps + first, of.stride, of.channels - first, norm};
    Sums<MT, BN> sums;
    if constexpr (SPREAD) {
        Finished<false> finished(coefficients, room, of.output_gradient, of.output, of.output_stride, 0, of.outputs,
                                 of.output_mean, of.output_scale, of.output_left, Dropout{});
        __syncthreads();
        over_pixels<MT, WARPS, BN>(sums, input, 0, Spread<DROPOUT>{finished, of.side, dropout}, column, begin, end, a, b);
    } else {
        Inner<DROPOUT> inner(coefficients, room, of.d, of.output, of.output_stride, of.outputs, of.output_mean,
                             of.output_scale, of.output_weight, of.shift, of.slope, dropout);
        __syncthreads();
        over_pixels<MT, WARPS, BN>(sums, input, 0, inner, column, begin, end, a, b);
    }
    float *to = of.partial + size_t(blockIdx.z) * of.outputs * of.channels;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i)
#pragma unroll
        for (int j = 0; j < BN / 8; ++j)
#pragma unroll
            for (int p = 0; p < 2; ++p) {
                int c = first + 16 * MT * warp_of() + lane_of() / 4 + 8 * i;
                int o = column + 8 * j + 2 * (lane_of() % 4) + p;
                if (c < of.channels && o < of.outputs) to[size_t(o) * of.channels + c] = sums.at[i][j][p];
            }
}

struct Conv3Weights {  // of a launch
    const map_t *maps; // [pixels, stride]: what was normalised, with its mean, scale, γ and β
    const float *images;
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    float *partial;     // [slices][outputs, channels, 9]
    const map_t *block; // the block that holds the output [pixels, output_stride], from `channel` on
    const float *output_gradient;
    const float *output_mean;
    const float *output_scale;
    const double *output_left;
    const Clock *clock;
    int stride;
    int channels;
    int batch;
    int tiles; // of the batch
    int slice; // tiles of a slice
    int output_stride;
    int channel;
    int outputs;
    int convolution;
    float rate;
};

// Σ over the pixels of tiles begin..end: `sums` of three taps for each warp.
template <class Place, int MT, int BN, class Input, class Output>
__device__ __forceinline__ void over_tiles(Sums<MT, BN> (&sums)[3], const Input &input, const Output &output, int column,
                                           int begin, int end, int batch, op_t *a, op_t *b, const int *corners) {
    constexpr int THREADS = 96, ROWS = 16 * MT, AS = ROWS + GAP, BS = BN + GAP, A = ROWS / 4, B = BN / 4;
    constexpr int DEEP = (Place::PIXELS + DEPTH - 1) / DEPTH * DEPTH;
#pragma unroll
    for (int tap = 0; tap < 3; ++tap) sums[tap].clear();
    for (int number = begin; number < end; ++number) {
        const Place tile(number, batch);
        __syncthreads(); // everybody is done with the tile before
        in_groups<Place::BORDERED * A, THREADS, 32, typename Input::Raw>(
            [&](int v) { return input.fetch(tile.around(v / A), v % A * 4); },
            [&](int v, const typename Input::Raw &raw) {
                const int c = v % A * 4;
                put_factors(a + v / A * AS + c, input.value(raw, tile.around(v / A), c));
            });
        in_groups<DEEP * B, THREADS, 32, typename Output::Raw>(
            [&](int v) { return output.fetch(tile.pixel(v / B), column + v % B * 4); },
            [&](int v, const typename Output::Raw &raw) {
                const int c = v % B * 4;
                put_factors(b + v / B * BS + c, output.value(raw, tile.pixel(v / B), column + c));
            });
        __syncthreads();
        for (int k = 0; k < DEEP; k += DEPTH) {
            const int *corner = corners + k;
#pragma unroll
            for (int tap = 0; tap < 3; ++tap)
                sums[tap].add_rows(a + Place::offset(3 * warp_of() + tap) * AS, [corner](int i) { return corner[i]; },
                                   b + k * BS, BS);
        }
    }
}

// Of a 3x3 convolution. Three warps, one for each row of taps. Grid: tiles of 16·MT inputs, column tiles of
// BN outputs, slices of tiles.
template <int MT, int BN, int TI, int TH, int TW, int SIDE, bool IMAGES, bool DROPOUT>
__device__ __forceinline__ void conv3_weights(const Conv3Weights &of) {
    typedef Tile<TI, TH, TW, SIDE> Place;
    constexpr int THREADS = 96, ROWS = 16 * MT, AS = ROWS + GAP, BS = BN + GAP;
    constexpr int DEEP = (Place::PIXELS + DEPTH - 1) / DEPTH * DEPTH;
    op_t *a = reinterpret_cast<op_t *>(shared_memory()), *b = a + Place::BORDERED * AS;
    int *corners = reinterpret_cast<int *>(b + DEEP * BS);
    float *coefficients = reinterpret_cast<float *>(corners + DEEP);
    const int first = int(blockIdx.x) * ROWS, column = int(blockIdx.y) * BN;
    const int begin = int(blockIdx.z) * of.slice, end = min(of.tiles, begin + of.slice);
    for (int v = int(threadIdx.x); v < DEEP; v += THREADS) corners[v] = Place::corner(v) * AS;
    Finished<DROPOUT> output(coefficients, up(of.outputs, DEPTH), of.output_gradient, of.block, of.output_stride,
                             of.channel, of.outputs, of.output_mean, of.output_scale, of.output_left,
                             Dropout{of.clock, of.convolution, of.rate, of.outputs, SIDE * SIDE});
    coefficients += Finished<DROPOUT>::ROWS * up(of.outputs, DEPTH);
    Sums<MT, BN> sums[3];
    if constexpr (IMAGES) {
        over_tiles<Place>(sums, Images{of.images}, output, column, begin, end, of.batch, a, b, corners);
    } else {
        Norm norm(coefficients, ROWS, of.channels - first, of.mean + first, of.scale + first, of.weight + first,
                  of.bias + first);
        // Its channels count from `first`.
        Normalised input{of.maps + first, of.stride, of.channels - first, norm};
        over_tiles<Place>(sums, input, output, column, begin, end, of.batch, a, b, corners);
    }
    float *to = of.partial + size_t(blockIdx.z) * of.outputs * of.channels * 9;
    for (int tap = 0; tap < 3; ++tap)
#pragma unroll
        for (int i = 0; i < 2 * MT; ++i)
#pragma unroll
            for (int j = 0; j < BN / 8; ++j)
#pragma unroll
                for (int p = 0; p < 2; ++p) {
                    int c = first + lane_of() / 4 + 8 * i, o = column + 8 * j + 2 * (lane_of() % 4) + p;
                    if (c < of.channels && o < of.outputs)
                        to[(size_t(o) * of.channels + c) * 9 + 3 * warp_of() + tap] = sums[tap].at[i][j][p];
                }
}
