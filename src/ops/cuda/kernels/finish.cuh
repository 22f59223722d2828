// What becomes of a product: it is written and measured, or taken through the ReLU before it.

// Which part of a product a block has. The column tiles of a tile of pixels are neighbours in the grid, so that
// what they all read is near when the second of them asks for it.
struct Part {
    int tile, tiles, column;

    __device__ __forceinline__ Part(int columns, int width) {
        const int across = (columns + width - 1) / width;
        tile = int(blockIdx.x) / across;
        tiles = int(gridDim.x) / across;
        column = int(blockIdx.x) % across;
    }
};

// Adds a number over the eight rows that a warp holds at once.
__device__ __forceinline__ float over_rows(float x) {
    x += __shfl_xor_sync(0xffffffffu, x, 4);
    x += __shfl_xor_sync(0xffffffffu, x, 8);
    x += __shfl_xor_sync(0xffffffffu, x, 16);
    return x;
}

// Where the lane's rows of a tile go: pixels, -1 for rows that are not there.
template <int MT>
struct Rows {
    int pixel[2 * MT];
};

// The dropout of a tile's sums, from column `first` on.
template <int MT, int BN>
__device__ __forceinline__ void drop(Sums<MT, BN> &sums, const Rows<MT> &rows, const Dropout &dropout, int first,
                                     int columns) {
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i)
#pragma unroll
        for (int j = 0; j < BN / 8; ++j)
#pragma unroll
            for (int p = 0; p < 2; ++p) {
                int column = first + 8 * j + 2 * (lane_of() % 4) + p;
                if (rows.pixel[i] >= 0 && column < columns) sums.at[i][j][p] *= dropout.factor(rows.pixel[i], column);
            }
}

// Rounds the sums to what the maps hold and writes them, from column `first` on, to channel `channel` on.
template <int MT, int BN>
__device__ __forceinline__ void write(Sums<MT, BN> &sums, const Rows<MT> &rows, map_t *maps, int stride, int channel,
                                      int first, int columns) {
    const bool even = channel % 2 == 0;
#pragma unroll
    for (int i = 0; i < 2 * MT; ++i) {
        map_t *row = maps + size_t(rows.pixel[i] < 0 ? 0 : rows.pixel[i]) * stride + channel;
#pragma unroll
        for (int j = 0; j < BN / 8; ++j) {
            int column = first + 8 * j + 2 * (lane_of() % 4);
            float x = rounded(sums.at[i][j][0]), y = rounded(sums.at[i][j][1]);
            sums.at[i][j][0] = x;
            sums.at[i][j][1] = y;
            if (rows.pixel[i] < 0) continue;
            if (even && column + 1 < columns) {
                put_pair(row + column, x, y);
                continue;
            }
            if (column < columns) put(row + column, x);
            if (column + 1 < columns) put(row + column + 1, y);
        }
    }
}

// What a tile leaves of the statistics of its channels: [3][channels, tiles], number of pixels, mean, and
// sum of squared distances from it.
struct Moments {
    double *at;
    int channels, tiles;
};

// Measures a tile of `count` pixels. First the mean to f32's precision, then distances from it, which are
// exact enough to correct it. `scratch` has room for 3·WARPS·BN numbers and is free to use.
template <int MT, int WARPS, int BN>
__device__ __forceinline__ void measure(const Sums<MT, BN> &sums, const Rows<MT> &rows, int count, float *scratch,
                                        Moments moments, int tile, int first, int columns) {
    const int g = lane_of() / 4, t = lane_of() % 4, warp = warp_of();
    float *squares = scratch + WARPS * BN, *shifted = squares + WARPS * BN;
#pragma unroll
    for (int j = 0; j < BN / 8; ++j)
#pragma unroll
        for (int p = 0; p < 2; ++p) {
            float sum = 0.0f;
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i)
                if (rows.pixel[i] >= 0) sum += sums.at[i][j][p];
            sum = over_rows(sum);
            if (g == 0) scratch[warp * BN + 8 * j + 2 * t + p] = sum;
        }
    __syncthreads();
    auto near_of = [&](int column) {
        float sum = 0.0f;
#pragma unroll
        for (int w = 0; w < WARPS; ++w) sum += scratch[w * BN + column];
        return sum / float(count);
    };
#pragma unroll
    for (int j = 0; j < BN / 8; ++j)
#pragma unroll
        for (int p = 0; p < 2; ++p) {
            const int column = 8 * j + 2 * t + p;
            float near = near_of(column), sum = 0.0f, square = 0.0f;
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i)
                if (rows.pixel[i] >= 0) {
                    float distance = sums.at[i][j][p] - near;
                    sum += distance;
                    square = fmaf(distance, distance, square);
                }
            sum = over_rows(sum);
            square = over_rows(square);
            if (g == 0) {
                shifted[warp * BN + column] = sum;
                squares[warp * BN + column] = square;
            }
        }
    __syncthreads();
    for (int column = int(threadIdx.x); column < BN && first + column < columns; column += 32 * WARPS) {
        double sum = 0.0, square = 0.0;
        for (int w = 0; w < WARPS; ++w) {
            sum += double(shifted[w * BN + column]);
            square += double(squares[w * BN + column]);
        }
        double offset = sum / double(count);
        size_t all = size_t(moments.channels) * moments.tiles;
        double *to = moments.at + size_t(first + column) * moments.tiles + tile;
        to[0] = double(count);
        to[all] = double(near_of(column)) + offset;
        to[2 * all] = square - sum * offset;
    }
}

// Measures what a thread wrote of channel `c` of the pixels of a tile, from their sum.
__device__ __forceinline__ void measure_channel(const map_t *maps, int stride, int c, int begin, int end, float sum,
                                                Moments moments, int tile) {
    const double count = double(end - begin);
    const float near = sum / float(end - begin);
    float shifted = 0.0f, square = 0.0f;
    for (int pixel = begin; pixel < end; ++pixel) {
        float distance = number(maps[size_t(pixel) * stride + c]) - near;
        shifted += distance;
        square = fmaf(distance, distance, square);
    }
    const double offset = double(shifted) / count;
    const size_t all = size_t(moments.channels) * moments.tiles;
    double *to = moments.at + size_t(c) * moments.tiles + tile;
    to[0] = count;
    to[all] = double(near) + offset;
    to[2 * all] = double(square) - double(shifted) * offset;
}

// Where the gradient goes that a ReLU lets pass.
enum { STORE, ADD, REPLACE };

// Takes the gradient of channels first.. behind the ReLU of `norm` (whose rows begin with channel `first`)
// through it. STORE: d into `d`. ADD, REPLACE: a·d to the block's gradient. Leaves the tile's Σd and
// Σd·(x - mean) in `left`: [2][channels, tiles].
template <int MT, int WARPS, int BN, int WHERE>
__device__ __forceinline__ void through_relu(const Sums<MT, BN> &sums, const Rows<MT> &rows, const map_t *maps,
                                             int stride, const Norm &norm, map_t *d, float *gradient, float *scratch,
                                             float *left, int tiles, int tile, int first, int columns) {
    // Columns of eight whose numbers are all asked for before one of them is written: memory is far away.
    constexpr int GROUP = 2;
    const int g = lane_of() / 4, t = lane_of() % 4, warp = warp_of();
    float *products = scratch + WARPS * BN;
#pragma unroll
    for (int from = 0; from < BN / 8; from += GROUP) {
        Pair x[GROUP][2 * MT], before[GROUP][2 * MT];
#pragma unroll
        for (int u = 0; u < GROUP; ++u)
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) {
                const int column = first + 8 * (from + u) + 2 * t;
                x[u][i] = before[u][i] = Pair{{0.0f, 0.0f}};
                if (from + u >= BN / 8 || rows.pixel[i] < 0 || column >= columns) continue;
                const size_t at = size_t(rows.pixel[i]) * stride + column;
                x[u][i] = pair(maps + at);
                if (WHERE == ADD) before[u][i] = pair(gradient + at);
            }
#pragma unroll
        for (int u = 0; u < GROUP; ++u) {
            if (from + u >= BN / 8) continue;
            const int j = from + u, c = 8 * j + 2 * t, column = first + c;
            float sum[2] = {0.0f, 0.0f}, product[2] = {0.0f, 0.0f};
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) {
                if (rows.pixel[i] < 0 || column >= columns) continue;
                const size_t at = size_t(rows.pixel[i]) * stride + column;
                const bool both = column + 1 < columns;
                float passed[2], left_there[2];
#pragma unroll
                for (int p = 0; p < 2; ++p) {
                    const float distance = norm.distance(x[u][i].v[p], c + p);
                    float y = norm.before(distance, c + p) > 0.0f ? sums.at[i][j][p] : 0.0f;
                    if (WHERE == STORE) y = rounded(y);
                    passed[p] = y;
                    left_there[p] = WHERE == ADD ? fmaf(norm.a[c + p], y, before[u][i].v[p]) : norm.a[c + p] * y;
                    if (p == 0 || both) {
                        sum[p] += y;
                        product[p] = fmaf(y, distance, product[p]);
                    }
                }
                if (WHERE == STORE) {
                    if (both)
                        put_pair(d + at, passed[0], passed[1]);
                    else
                        put(d + at, passed[0]);
                } else {
                    if (both)
                        put_pair(gradient + at, left_there[0], left_there[1]);
                    else
                        put(gradient + at, left_there[0]);
                }
            }
#pragma unroll
            for (int p = 0; p < 2; ++p) {
                const float all = over_rows(sum[p]), all_products = over_rows(product[p]);
                if (g == 0) {
                    scratch[warp * BN + c + p] = all;
                    products[warp * BN + c + p] = all_products;
                }
            }
        }
    }
    __syncthreads();
    for (int c = int(threadIdx.x); c < BN && first + c < columns; c += 32 * WARPS) {
        float sum = 0.0f, product = 0.0f;
        for (int w = 0; w < WARPS; ++w) {
            sum += scratch[w * BN + c];
            product += products[w * BN + c];
        }
        float *to = left + size_t(first + c) * tiles + tile;
        to[0] = sum;
        to[size_t(columns) * tiles] = product;
    }
}
