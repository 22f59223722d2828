// 3x3 convolutions with a border of zeros. A tile is TI images, TH rows and TW columns of maps of SIDE by BN
// output channels; more than one image only where a tile holds them whole. Its factors lie in shared memory
// with a border around them, once for all nine taps.

template <int TI, int TH, int TW, int SIDE>
struct Tile {
    static constexpr int PIXELS = TI * TH * TW;
    static constexpr int WIDE = TW + 2;
    static constexpr int BORDERED = TI * (TH + 2) * WIDE;
    static constexpr int DOWN = (SIDE + TH - 1) / TH, ACROSS = (SIDE + TW - 1) / TW;

    int image, y, x, images; // where it begins; images of the batch

    __device__ __forceinline__ Tile(int tile, int images)
        : image(tile / (DOWN * ACROSS) * TI), y(tile / ACROSS % DOWN * TH), x(tile % ACROSS * TW), images(images) {}

    // Pixels of the tile that are there.
    __device__ __forceinline__ int count() const {
        return min(TI, images - image) * min(TH, SIDE - y) * min(TW, SIDE - x);
    }

    // Pixel number `row` of the tile; -1 where there is none.
    __device__ __forceinline__ int pixel(int row) const {
        int i = image + row / (TH * TW), v = y + row / TW % TH, u = x + row % TW;
        return row < PIXELS && i < images && v < SIDE && u < SIDE ? (i * SIDE + v) * SIDE + u : -1;
    }

    // Pixel number `place` of the tile with its border.
    __device__ __forceinline__ int around(int place) const {
        int i = image + place / ((TH + 2) * WIDE), v = y + place / WIDE % (TH + 2) - 1, u = x + place % WIDE - 1;
        return i < images && v >= 0 && v < SIDE && u >= 0 && u < SIDE ? (i * SIDE + v) * SIDE + u : -1;
    }

    // Where the upper left of the nine places of a pixel lies in the tile with its border.
    __device__ __forceinline__ static int corner(int row) {
        if (row >= PIXELS) return 0;
        return (row / (TH * TW) * (TH + 2) + row / TW % TH) * WIDE + row % TW;
    }

    __device__ __forceinline__ static int offset(int tap) { return tap / 3 * WIDE + tap % 3; }
};

// Σ over channels and taps of factors from `load` and packed weights [chunks, 9, BN, DEPTH].
template <int MT, int WARPS, int BN, class Place, class Load>
__device__ __forceinline__ void over_taps(Sums<MT, BN> &sums, const Load &load, const Place &tile, int channels,
                                          const op_t *weights, op_t *a, op_t *b) {
    constexpr int THREADS = 32 * WARPS;
    const int chunks = (channels + DEPTH - 1) / DEPTH;
    int rows[2 * MT];
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) rows[i] = Place::corner(16 * MT * warp_of() + lane_of() / 4 + 8 * i) * STRIDE;
    sums.clear();
    for (int chunk = 0; chunk < chunks; ++chunk) {
        __syncthreads(); // everybody is done with the chunk before
        in_groups<4 * Place::BORDERED, THREADS, 32, typename Load::Raw>(
            [&](int v) { return load.fetch(tile.around(v / 4), DEPTH * chunk + v % 4 * 4); },
            [&](int v, const typename Load::Raw &raw) {
                const int c = v % 4 * 4;
                put_factors(a + v / 4 * STRIDE + c, load.value(raw, tile.around(v / 4), DEPTH * chunk + c));
            });
        const op_t *from = weights + size_t(chunk) * 9 * BN * DEPTH;
        in_groups<9 * BN * 4, THREADS, 32, Factors>([&](int v) { return factors(from + v * 4); },
                                                [&](int v, const Factors &raw) {
                                                    put_factors(b + v / 4 * STRIDE + v % 4 * 4, raw);
                                                });
        __syncthreads();
        for (int tap = 0; tap < 9; ++tap) sums.add(a + Place::offset(tap) * STRIDE, rows, b + tap * BN * STRIDE);
    }
}

template <int MT, class Place>
__device__ __forceinline__ Rows<MT> rows_of(const Place &tile) {
    Rows<MT> rows;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) rows.pixel[i] = tile.pixel(16 * MT * warp_of() + lane_of() / 4 + 8 * i);
    return rows;
}

// Shared memory of a 3x3 convolution: factors [bordered pixels, STRIDE] and [9, BN, STRIDE], then f32.
template <int WARPS, int BN, class Place>
struct Conv3Memory {
    op_t *a, *b;
    float *scratch, *coefficients;
    __device__ __forceinline__ Conv3Memory() {
        a = reinterpret_cast<op_t *>(shared_memory());
        b = a + Place::BORDERED * STRIDE;
        scratch = reinterpret_cast<float *>(b + 9 * BN * STRIDE);
        coefficients = scratch + 3 * WARPS * BN;
    }
};

struct Conv3Forward {    // of a launch
    const map_t *maps;   // [pixels, stride]: what is normalised and multiplied
    const float *images; // or: images [pixels, 4], as they are
    const float *mean;   // of each input channel, as the next three
    const float *scale;  // 1/√(variance + ε)
    const float *weight; // γ
    const float *bias;   // β
    const op_t *packed;  // weights [column tiles, chunks, 9, BN, DEPTH]
    map_t *output;       // [pixels, output_stride], from `channel` on
    double *moments;     // [3][outputs, tiles]
    const Clock *clock;  // for dropout
    int stride;
    int channels; // inputs
    int batch;    // images
    int output_stride;
    int channel;
    int outputs;
    int convolution;
    float rate;
};

// BN-ReLU-3x3. IMAGES: of the images, without BN-ReLU. Grid: see Part.
template <int MT, int WARPS, int BN, int TI, int TH, int TW, int SIDE, bool IMAGES, bool DROPOUT, bool MEASURE>
__device__ __forceinline__ void conv3_forward(const Conv3Forward &of) {
    typedef Tile<TI, TH, TW, SIDE> Place;
    Conv3Memory<WARPS, BN, Place> memory;
    const Part part(of.outputs, BN);
    const Place tile(part.tile, of.batch);
    const int first = part.column * BN, chunks = (of.channels + DEPTH - 1) / DEPTH;
    const op_t *weights = of.packed + size_t(part.column) * chunks * 9 * BN * DEPTH;
    Sums<MT, BN> sums;
    if constexpr (IMAGES) {
        over_taps<MT, WARPS, BN>(sums, Images{of.images}, tile, of.channels, weights, memory.a, memory.b);
    } else {
        Normalised load{of.maps, of.stride, of.channels,
                        Norm(memory.coefficients, up(of.channels, DEPTH), of.channels, of.mean, of.scale, of.weight,
                             of.bias)};
        over_taps<MT, WARPS, BN>(sums, load, tile, of.channels, weights, memory.a, memory.b);
    }
    Rows<MT> rows = rows_of<MT>(tile);
    if (DROPOUT) drop(sums, rows, Dropout{of.clock, of.convolution, of.rate, of.outputs, SIDE * SIDE}, first, of.outputs);
    write(sums, rows, of.output, of.output_stride, of.channel, first, of.outputs);
    if (MEASURE)
        measure<MT, WARPS, BN>(sums, rows, tile.count(), memory.scratch,
                               Moments{of.moments, of.outputs, part.tiles}, part.tile, first, of.outputs);
}

struct Conv3Backward { // of a launch
    const map_t *maps; // [pixels, stride]: what was normalised, with its mean, scale, γ and β
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    const op_t *packed; // weights, outputs to inputs, taps in reverse [column tiles, chunks, 9, BN, DEPTH]
    map_t *d;           // STORE: the gradient behind the ReLU [pixels, stride]
    float *gradient;    // ADD: the block's gradient [pixels, stride]
    float *left;        // [2][channels, tiles]
    const map_t *block; // the block that holds the output [pixels, output_stride], from `channel` on
    const float *output_gradient; // [pixels, output_stride]
    const float *output_mean;     // of the block's channels, as the next
    const float *output_scale;
    const double *output_left;    // means left, pairs by channel
    const Clock *clock;
    int stride;
    int channels; // inputs
    int batch;
    int output_stride;
    int channel;
    int outputs;
    int convolution;
    float rate;
};

// The gradient of the maps that a 3x3 convolution read. WHERE: STORE for a bottleneck, ADD for a block.
template <int MT, int WARPS, int BN, int TI, int TH, int TW, int SIDE, int WHERE, bool DROPOUT>
__device__ __forceinline__ void conv3_backward(const Conv3Backward &of) {
    typedef Tile<TI, TH, TW, SIDE> Place;
    Conv3Memory<WARPS, BN, Place> memory;
    const Part part(of.channels, BN);
    const Place tile(part.tile, of.batch);
    const int first = part.column * BN, room = up(of.outputs, DEPTH);
    const op_t *weights = of.packed + size_t(part.column) * room * 9 * BN;
    Norm norm(memory.coefficients, BN, of.channels - first, of.mean + first, of.scale + first, of.weight + first,
              of.bias + first);
    Finished<DROPOUT> load(memory.coefficients + Norm::ROWS * BN, room, of.output_gradient, of.block, of.output_stride,
                           of.channel, of.outputs, of.output_mean, of.output_scale, of.output_left,
                           Dropout{of.clock, of.convolution, of.rate, of.outputs, SIDE * SIDE});
    Sums<MT, BN> sums;
    over_taps<MT, WARPS, BN>(sums, load, tile, of.outputs, weights, memory.a, memory.b);
    through_relu<MT, WARPS, BN, WHERE>(sums, rows_of<MT>(tile), of.maps, of.stride, norm, of.d, of.gradient,
                                       memory.scratch, of.left, part.tiles, part.tile, first, of.channels);
}
