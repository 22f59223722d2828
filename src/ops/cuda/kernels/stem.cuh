// The stem of ImageNet networks: a 7x7 convolution of stride 2 of the images, its normalisation, and the largest of
// 3x3 pixels with stride 2. Of a side s each of them leaves ⌈s/2⌉.
//
// The convolution is a product over 49 taps of four numbers each, the fourth of them 0.

constexpr int TAPS = 49;

// What the convolution reads: for each of its pixels the 7x7 pixels around it, of images [pixels, 4] of SIDE.
template <int SIDE>
struct Around {
    static constexpr int HALF = (SIDE + 1) / 2;

    const float *images;

    struct Raw {
        Quad x;
    };

    // The colours at tap c/4.
    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        if (pixel < 0 || c >= 4 * TAPS) return Raw{zeros()};
        const int tap = c / 4, row = pixel / HALF, image = row / HALF;
        const int x = pixel % HALF * 2 + tap % 7 - 3, y = row % HALF * 2 + tap / 7 - 3;
        if (x < 0 || x >= SIDE || y < 0 || y >= SIDE) return Raw{zeros()};
        return Raw{quad(images + size_t((image * SIDE + y) * SIDE + x) * 4)};
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int, int) const { return raw.x; }
};

struct StemForward {     // of a launch
    const float *images; // [pixels, 4]
    const op_t *packed;  // weights [column tiles, chunks, BN, DEPTH]
    map_t *output;       // [pixels, output_stride]
    double *moments;     // [3][outputs, tiles]
    int pixels;          // of the output
    int output_stride;
    int outputs;
};

// The convolution, of images of SIDE. Grid: see Part.
template <int MT, int WARPS, int BN, int SIDE, bool MEASURE>
__device__ __forceinline__ void stem_forward(const StemForward &of) {
    PointwiseMemory<MT, WARPS, BN> memory;
    const Part part(of.outputs, BN);
    const int begin = part.tile * 16 * MT * WARPS, there = min(16 * MT * WARPS, of.pixels - begin);
    const int first = part.column * BN;
    const op_t *weights = of.packed + size_t(part.column) * up(4 * TAPS, DEPTH) * BN;
    Sums<MT, BN> sums;
    over_channels<MT, WARPS, BN>(sums, Around<SIDE>{of.images}, begin, there, 4 * TAPS, weights, memory.a, memory.b);
    Rows<MT> rows = rows_from<MT>(begin, there);
    write(sums, rows, of.output, of.output_stride, 0, first, of.outputs);
    if (MEASURE)
        measure<MT, WARPS, BN>(sums, rows, there, memory.scratch, Moments{of.moments, of.outputs, part.tiles},
                               part.tile, first, of.outputs);
}

// The place of a pool that nothing passed.
constexpr int NOWHERE = 9;

struct StemPool {      // of a launch
    const map_t *maps; // [pixels, stride] of `side`, with their mean, scale, γ and β
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    map_t *output;   // [pixels, output_stride] of ⌈side/2⌉
    u8 *places;      // TRAINS: which of the nine was the largest [pixels, channels]
    double *moments; // TRAINS: [3][channels, tiles]
    int stride;
    int channels;
    int pixels; // of the output
    int side;
    int output_stride;
};

// The largest relu(BN(x)) of 3x3 pixels, of equal ones the first, and (TRAINS) where it was, measured. Grid: tiles by
// 128 channels.
template <bool TRAINS>
__device__ __forceinline__ void stem_pool(const StemPool &of) {
    const int c = int(blockIdx.y) * 128 + int(threadIdx.x), begin = int(blockIdx.x) * POOL_PIXELS;
    const int end = min(of.pixels, begin + POOL_PIXELS), half = (of.side + 1) / 2;
    if (c >= of.channels) return;
    const float a = of.weight[c] * of.scale[c], mean = of.mean[c], bias = of.bias[c];
    float sum = 0.0f;
    for (int pixel = begin; pixel < end; ++pixel) {
        const int row = pixel / half, image = row / half, top = row % half * 2 - 1, left = pixel % half * 2 - 1;
        float largest = 0.0f;
        int place = NOWHERE;
#pragma unroll
        for (int i = 0; i < 9; ++i) {
            const int y = top + i / 3, x = left + i % 3;
            if (y < 0 || y >= of.side || x < 0 || x >= of.side) continue;
            const float at = number(of.maps[size_t((image * of.side + y) * of.side + x) * of.stride + c]);
            const float value = fmaf(a, at - mean, bias);
            if (value > largest || value != value) { // NaN stays NaN
                largest = value;
                place = i;
            }
        }
        const float y = rounded(largest);
        put(of.output + size_t(pixel) * of.output_stride + c, y);
        if (TRAINS) of.places[size_t(pixel) * of.channels + c] = u8(place);
        sum += y;
    }
    if (TRAINS)
        measure_channel(of.output, of.output_stride, c, begin, end, sum,
                        Moments{of.moments, of.channels, int(gridDim.x)}, int(blockIdx.x));
}

struct StemPoolBackward { // of a launch
    const map_t *maps;    // [pixels, stride] of `side`: what was normalised, with its mean
    const float *mean;
    const u8 *places;             // of the pool [pixels of ⌈side/2⌉, channels]
    map_t *d;                     // [pixels, stride]
    float *left;                  // [2][channels, tiles]
    const float *output_gradient; // of the block that the pool wrote into [pixels of ⌈side/2⌉, output_stride]
    const map_t *block;
    const float *output_mean; // of the block's channels, as the next
    const float *output_scale;
    const double *output_left; // means left, pairs by channel
    int stride;
    int channels;
    int pixels; // of the maps
    int side;
    int output_stride;
};

// The gradient behind the ReLU before the pool: what the windows around a pixel have for it, four at most. Grid:
// tiles by 128 channels.
__device__ __forceinline__ void stem_pool_backward(const StemPoolBackward &of) {
    const int c = int(blockIdx.y) * 128 + int(threadIdx.x), begin = int(blockIdx.x) * POOL_PIXELS;
    const int end = min(of.pixels, begin + POOL_PIXELS), half = (of.side + 1) / 2;
    if (c >= of.channels) return;
    const double s = double(of.output_scale[c]);
    const float p = float(s * of.output_left[2 * c]), q = float(s * s * of.output_left[2 * c + 1]);
    const float output_mean = of.output_mean[c], mean = of.mean[c];
    float sum = 0.0f, product = 0.0f;
    for (int pixel = begin; pixel < end; ++pixel) {
        const int row = pixel / of.side, image = row / of.side, y = row % of.side, x = pixel % of.side;
        float all = 0.0f;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            // Pixel 2v and its two neighbours are in window v.
            const int v = y / 2 + i / 2, u = x / 2 + i % 2;
            const int down = y - 2 * v + 1, across = x - 2 * u + 1;
            if (down < 0 || across < 0 || v >= half || u >= half) continue;
            const int window = (image * half + v) * half + u;
            if (int(of.places[size_t(window) * of.channels + c]) != 3 * down + across) continue;
            const size_t at = size_t(window) * of.output_stride + c;
            all += fmaf(number(of.block[at]) - output_mean, -q, of.output_gradient[at] - p);
        }
        const size_t at = size_t(pixel) * of.stride + c;
        const float d = rounded(all);
        put(of.d + at, d);
        sum += d;
        product = fmaf(d, number(of.maps[at]) - mean, product);
    }
    float *to = of.left + size_t(c) * gridDim.x + blockIdx.x;
    to[0] = sum;
    to[size_t(of.channels) * gridDim.x] = product;
}

struct StemWeights {     // of a launch
    const float *images; // [pixels, 4]
    float *partial;      // [slices][outputs, 3, 49]
    const map_t *d;      // the output's gradient behind its ReLU [pixels, output_stride]
    const map_t *output; // what the convolution wrote, with its mean, scale and γ
    const float *output_mean;
    const float *output_scale;
    const float *output_weight;
    const float *shift;
    const float *slope;
    int pixels;
    int slice; // pixels of a slice
    int output_stride;
    int outputs;
};

// The gradient of the convolution's weights, as `pointwise_weights` computes that of others. Grid: tiles of
// 16·MT·WARPS numbers of its taps, column tiles of BN outputs, slices.
template <int MT, int WARPS, int BN, int SIDE>
__device__ __forceinline__ void stem_weights(const StemWeights &of) {
    constexpr int ROWS = 16 * MT * WARPS;
    op_t *a = reinterpret_cast<op_t *>(shared_memory()), *b = a + WEIGHT_PIXELS * (ROWS + GAP);
    float *coefficients = reinterpret_cast<float *>(b + WEIGHT_PIXELS * (BN + GAP));
    const int first = int(blockIdx.x) * ROWS, column = int(blockIdx.y) * BN, begin = int(blockIdx.z) * of.slice;
    const int end = min(of.pixels, begin + of.slice);
    Inner<false> inner(coefficients, up(of.outputs, DEPTH), of.d, of.output, of.output_stride, of.outputs,
                       of.output_mean, of.output_scale, of.output_weight, of.shift, of.slope, Dropout{});
    __syncthreads();
    Sums<MT, BN> sums;
    over_pixels<MT, WARPS, BN>(sums, Around<SIDE>{of.images}, first, inner, column, begin, end, a, b);
    float *to = of.partial + size_t(blockIdx.z) * of.outputs * 3 * TAPS;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i)
#pragma unroll
        for (int j = 0; j < BN / 8; ++j)
#pragma unroll
            for (int p = 0; p < 2; ++p) {
                const int row = first + 16 * MT * warp_of() + lane_of() / 4 + 8 * i, c = row % 4;
                const int o = column + 8 * j + 2 * (lane_of() % 4) + p;
                if (row < 4 * TAPS && c < 3 && o < of.outputs) to[(size_t(o) * 3 + c) * TAPS + row / 4] = sums.at[i][j][p];
            }
}
