// What products read: numbers on their way from memory to factors. A loader fetches four neighbouring
// channels of a pixel as they lie in memory (`fetch`), and later makes of them what is multiplied
// (`value`), so that a fetch is under way while the product before it is computed. Where a number is
// missing (pixel -1, a channel too far) the value is 0.

__device__ __forceinline__ int up(int n, int to) { return (n + to - 1) / to * to; }

// BN(x) of some channels: a·(x - mean) + bias with a = γ·s, s = 1/√(variance + ε). The difference first: it
// is exact where BN(x) is near 0, so that rounding seldom turns a ReLU. The one expression that decides
// every ReLU, forward and backward, is `before`.
struct Norm {
    const float *a, *mean, *bias; // in shared memory

    static constexpr int ROWS = 3;

    // Fills [ROWS][room] from memory, zeros from `channels` on; the caller synchronises.
    __device__ Norm(float *to, int room, int channels, const float *mean, const float *scale, const float *weight,
                    const float *bias)
        : a(to), mean(to + room), bias(to + 2 * room) {
        for (int c = int(threadIdx.x); c < room; c += int(blockDim.x)) {
            bool there = c < channels;
            to[c] = there ? weight[c] * scale[c] : 0.0f;
            to[room + c] = there ? mean[c] : 0.0f;
            to[2 * room + c] = there ? bias[c] : 0.0f;
        }
    }

    __device__ __forceinline__ float distance(float x, int c) const { return x - mean[c]; }
    __device__ __forceinline__ float before(float distance, int c) const { return fmaf(a[c], distance, bias[c]); }
    __device__ __forceinline__ float relu(float x, int c) const {
        float y = before(distance(x, c), c);
        return y < 0.0f ? 0.0f : y; // NaN stays NaN
    }
};

// relu(BN(x)) of the first channels of maps.
struct Normalised {
    const map_t *maps;
    int stride, channels;
    Norm norm;

    struct Raw {
        Quad x;
    };

    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        if (pixel < 0 || c >= channels) return Raw{zeros()};
        // Not beyond the last channel: what lies there may be what this kernel writes.
        return Raw{quad_of(maps + size_t(pixel) * stride + c, channels - c, true)};
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int pixel, int c) const {
        Quad y = zeros();
        if (pixel < 0) return y;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < channels) y.v[i] = norm.relu(raw.x.v[i], c + i);
        return y;
    }
};

// The average of relu(BN(x)) over 2x2 pixels of maps of `side`; pixels are those of the average.
struct Pooled {
    Normalised of;
    int side;

    struct Raw {
        Quad x[4];
    };

    __device__ __forceinline__ int first(int pixel) const {
        int half = side / 2, row = pixel / half, image = row / half;
        return (image * side + row % half * 2) * side + pixel % half * 2;
    }

    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        Raw raw;
        int at = pixel < 0 ? -1 : first(pixel);
#pragma unroll
        for (int i = 0; i < 4; ++i) raw.x[i] = of.fetch(at < 0 ? -1 : at + i / 2 * side + i % 2, c).x;
        return raw;
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int pixel, int c) const {
        Quad sum = zeros();
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            Quad y = of.value(Normalised::Raw{raw.x[i]}, pixel, c);
#pragma unroll
            for (int j = 0; j < 4; ++j) sum.v[j] += y.v[j];
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) sum.v[j] *= 0.25f;
        return sum;
    }
};

// Images as they are: rows of 4 numbers, the last of them 0.
struct Images {
    const float *images;

    struct Raw {
        Quad x;
    };

    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        if (pixel < 0 || c > 0) return Raw{zeros()};
        return Raw{quad(images + size_t(pixel) * 4)};
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int, int) const { return raw.x; }
};

// The finished gradient of what a convolution wrote into a block, from channel `first` on: from the block's
// gradient is taken what its readers' batch normalisations left, s·P + s²·Q·(x - mean), with P and Q the
// means of all readers together. Then the convolution's own dropout.
template <bool DROPOUT>
struct Finished {
    const float *gradient; // [pixels, stride], as the maps
    const map_t *maps;
    int stride, first, channels;
    const float *p, *q, *mean; // in shared memory
    Dropout dropout;

    static constexpr int ROWS = 3;

    struct Raw {
        Quad g, x;
    };

    // Fills [ROWS][room]; the caller synchronises.
    __device__ Finished(float *to, int room, const float *gradient, const map_t *maps, int stride, int first,
                        int channels, const float *mean, const float *scale, const double *left, Dropout dropout)
        : gradient(gradient), maps(maps), stride(stride), first(first), channels(channels), p(to), q(to + room),
          mean(to + 2 * room), dropout(dropout) {
        for (int c = int(threadIdx.x); c < room; c += int(blockDim.x)) {
            bool there = c < channels;
            int at = there ? first + c : first;
            double s = double(scale[at]);
            to[c] = there ? float(s * left[2 * at]) : 0.0f;
            to[room + c] = there ? float(s * s * left[2 * at + 1]) : 0.0f;
            to[2 * room + c] = there ? mean[at] : 0.0f;
        }
    }

    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        if (pixel < 0 || c >= channels) return Raw{zeros(), zeros()};
        size_t at = size_t(pixel) * stride + first + c;
        bool aligned = first % 4 == 0;
        return Raw{quad_of(gradient + at, channels - c, aligned), quad_of(maps + at, channels - c, aligned)};
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int pixel, int c) const {
        Quad y = zeros();
        if (pixel < 0) return y;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < channels) {
                y.v[i] = fmaf(raw.x.v[i] - mean[c + i], -q[c + i], raw.g.v[i] - p[c + i]);
                if (DROPOUT) y.v[i] *= dropout.factor(pixel, c + i);
            }
        return y;
    }
};

// The same spread over 2x2 pixels, a quarter on each: the gradient before an average pool, of maps of
// `side`; 0 on an odd last row or column. `dropout` is of the convolution before the pool.
template <bool DROPOUT>
struct Spread {
    Finished<false> of;
    int side;
    Dropout dropout;

    typedef Finished<false>::Raw Raw;

    __device__ __forceinline__ int pooled(int pixel) const {
        int half = side / 2, x = pixel % side, row = pixel / side, y = row % side, image = row / side;
        if (pixel < 0 || x / 2 >= half || y / 2 >= half) return -1;
        return (image * half + y / 2) * half + x / 2;
    }

    __device__ __forceinline__ Raw fetch(int pixel, int c) const { return of.fetch(pooled(pixel), c); }

    __device__ __forceinline__ Quad value(const Raw &raw, int pixel, int c) const {
        Quad y = of.value(raw, pooled(pixel), c);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            y.v[i] *= 0.25f;
            if (DROPOUT && c + i < of.channels && pixel >= 0) y.v[i] *= dropout.factor(pixel, c + i);
        }
        return y;
    }
};

// The gradient of the 1x1 convolution's output: `d`, the gradient behind its ReLU, through its batch
// normalisation a·d - shift - slope·(y - mean); then the convolution's dropout.
template <bool DROPOUT>
struct Inner {
    const map_t *d, *maps; // [pixels, stride]
    int stride, channels;
    const float *a, *shift, *slope, *mean; // in shared memory
    Dropout dropout;

    static constexpr int ROWS = 4;

    struct Raw {
        Quad d, y;
    };

    __device__ Inner(float *to, int room, const map_t *d, const map_t *maps, int stride, int channels,
                     const float *mean, const float *scale, const float *weight, const float *shift, const float *slope,
                     Dropout dropout)
        : d(d), maps(maps), stride(stride), channels(channels), a(to), shift(to + room), slope(to + 2 * room),
          mean(to + 3 * room), dropout(dropout) {
        for (int c = int(threadIdx.x); c < room; c += int(blockDim.x)) {
            bool there = c < channels;
            to[c] = there ? weight[c] * scale[c] : 0.0f;
            to[room + c] = there ? shift[c] : 0.0f;
            to[2 * room + c] = there ? slope[c] : 0.0f;
            to[3 * room + c] = there ? mean[c] : 0.0f;
        }
    }

    __device__ __forceinline__ Raw fetch(int pixel, int c) const {
        if (pixel < 0 || c >= channels) return Raw{zeros(), zeros()};
        size_t at = size_t(pixel) * stride + c;
        return Raw{quad(d + at), quad(maps + at)};
    }

    __device__ __forceinline__ Quad value(const Raw &raw, int pixel, int c) const {
        Quad y = zeros();
        if (pixel < 0) return y;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (c + i < channels) {
                float distance = raw.y.v[i] - mean[c + i];
                y.v[i] = fmaf(distance, -slope[c + i], fmaf(a[c + i], raw.d.v[i], -shift[c + i]));
                if (DROPOUT) y.v[i] *= dropout.factor(pixel, c + i);
            }
        return y;
    }
};
