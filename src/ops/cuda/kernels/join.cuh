// Sums of tiles and slices joined in a fixed order, whatever ran when.

struct JoinMoments { // of a launch
    const double *moments; // [3][channels, tiles]
    float *mean;           // by channel, as the next
    float *scale;          // 1/√(variance + ε)
    double *statistics;    // mean and variance (divided by M), pairs by channel
    int channels;
    int tiles;
    float epsilon;
};

// Sums over tiles of n, n·d and Σ(x - mean)² + n·d², with d the distance of a tile's mean from that of the first:
// so shifted, nothing is lost in f64, and nothing is divided on the way.
struct Gathered {
    double count, distance, squares;
};

__device__ __forceinline__ Gathered gathered(const Gathered &one, const Gathered &other) {
    return Gathered{one.count + other.count, one.distance + other.distance, one.squares + other.squares};
}

// A block of 128 threads for each channel.
__device__ __forceinline__ void join_moments(const JoinMoments &of) {
    Gathered *all = reinterpret_cast<Gathered *>(shared_memory());
    const int thread = int(threadIdx.x), channel = int(blockIdx.x);
    const size_t size = size_t(of.channels) * of.tiles;
    const double *from = of.moments + size_t(channel) * of.tiles, near = from[size];
    Gathered mine{0.0, 0.0, 0.0};
#pragma unroll 4
    for (int tile = thread; tile < of.tiles; tile += 128) {
        const double n = from[tile], d = from[size + tile] - near;
        mine = gathered(mine, Gathered{n, n * d, from[2 * size + tile] + n * d * d});
    }
    all[thread] = mine;
    for (int half = 64; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) all[thread] = gathered(all[thread], all[thread + half]);
    }
    if (thread == 0) {
        const double offset = all[0].distance / all[0].count, mean = near + offset;
        const double found = (all[0].squares - all[0].distance * offset) / all[0].count;
        const double variance = found < 0.0 ? 0.0 : found; // NaN stays NaN
        of.mean[channel] = float(mean);
        of.scale[channel] = float(1.0 / sqrt(variance + double(of.epsilon)));
        of.statistics[2 * channel] = mean;
        of.statistics[2 * channel + 1] = variance;
    }
}

// What the sums of a normalisation's gradients are for, beside γ and β: the means that its single reader
// takes off at once, or those left for a block's channels.
enum { TAKEN, LEFT, LEFT_FIRST };

struct JoinSums { // of a launch
    const float *sums; // [2][channels, tiles]: Σd and Σd·(x - mean)
    const float *scale;
    const float *weight;
    float *weight_gradient;
    float *bias_gradient;
    double *left; // pairs by channel: mean of γ·d, and of γ·d·x̂
    float *shift; // TAKEN: γ·s·mean(d)
    float *slope; // TAKEN: γ·s²·mean(d·x̂)
    int channels;
    int tiles;
    float count; // M
};

// A block of 128 threads for each channel.
template <int MEANS>
__device__ __forceinline__ void join_sums(const JoinSums &of) {
    double *all = reinterpret_cast<double *>(shared_memory());
    const int thread = int(threadIdx.x), channel = int(blockIdx.x);
    const float *from = of.sums + size_t(channel) * of.tiles;
    double sum = 0.0, product = 0.0;
    for (int tile = thread; tile < of.tiles; tile += 128) {
        sum += double(from[tile]);
        product += double(from[size_t(of.channels) * of.tiles + tile]);
    }
    all[thread] = sum;
    all[128 + thread] = product;
    for (int half = 64; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) {
            all[thread] += all[thread + half];
            all[128 + thread] += all[128 + thread + half];
        }
    }
    if (thread == 0) {
        double s = double(of.scale[channel]), weight = double(of.weight[channel]), count = double(of.count);
        sum = all[0];
        product = all[128];
        of.bias_gradient[channel] = float(sum);
        of.weight_gradient[channel] = float(product * s);
        if (MEANS == TAKEN) {
            of.shift[channel] = float(weight * s * sum / count);
            of.slope[channel] = float(weight * s * s * s * product / count);
        } else {
            double before = MEANS == LEFT ? of.left[2 * channel] : 0.0;
            double before_product = MEANS == LEFT ? of.left[2 * channel + 1] : 0.0;
            of.left[2 * channel] = before + weight * sum / count;
            of.left[2 * channel + 1] = before_product + weight * s * product / count;
        }
    }
}

struct JoinWeights { // of a launch
    const float *partial; // [slices, length]
    float *gradient;
    int length;
    int slices;
};

// Blocks of 256 threads: 32 weights by 8 shares of the slices.
__device__ __forceinline__ void join_weights(const JoinWeights &of) {
    float *all = reinterpret_cast<float *>(shared_memory());
    const int thread = int(threadIdx.x), at = int(blockIdx.x) * 32 + thread % 32;
    float sum = 0.0f;
    if (at < of.length) {
#pragma unroll 4
        for (int slice = thread / 32; slice < of.slices; slice += 8) sum += of.partial[size_t(slice) * of.length + at];
    }
    all[thread] = sum;
    __syncthreads();
    if (thread < 32 && at < of.length) {
        for (int share = 1; share < 8; ++share) sum += all[32 * share + thread];
        of.gradient[at] = sum;
    }
}
