// Philox 4x32-10 and its streams, draw for draw those of the program (Salmon, Moraes, Dror, Shaw, SC 2011).

constexpr u32 PURPOSE_AUGMENT = 3;
constexpr u32 PURPOSE_DROPOUT = 4;

// What changes from step to step, in the GPU's memory.
struct Clock {
    u32 seed[2];
    u32 epoch[2]; // from 1
    u32 step[2];  // of the run, from 0
    u32 index;    // of the step in its epoch, from 0
    u32 failed;   // what was not finite in the first step that failed, else 0: from then on nothing changes
};

struct Draws {
    u32 v[4];
};

__device__ __forceinline__ Draws philox(u32 c0, u32 c1, u32 c2, u32 c3, u32 k0, u32 k1) {
#pragma unroll
    for (int round = 0; round < 10; ++round) {
        if (round > 0) {
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        u64 a = u64(c0) * 0xD2511F53u, b = u64(c2) * 0xCD9E8D57u;
        u32 d0 = u32(b >> 32) ^ c1 ^ k0, d2 = u32(a >> 32) ^ c3 ^ k1;
        c0 = d0;
        c1 = u32(b);
        c2 = d2;
        c3 = u32(a);
    }
    return Draws{{c0, c1, c2, c3}};
}

// The draws of one purpose at (epoch, index), in order.
struct Stream {
    u32 key[2], high, epoch, index, block;
    Draws drawn;
    int used;

    __device__ Stream(const u32 *seed, u32 purpose, const u32 *at, u32 index)
        : key{seed[0], seed[1]}, high(at[1] << 8 | purpose), epoch(at[0]), index(index), block(0), drawn{}, used(4) {}

    __device__ u32 bits() {
        if (used == 4) {
            drawn = philox(block++, high, epoch, index, key[0], key[1]);
            used = 0;
        }
        return drawn.v[used++];
    }

    // Uniform in 0..n, without bias (Lemire).
    __device__ u32 below(u32 n) {
        u32 threshold = (0u - n) % n;
        for (;;) {
            u64 product = u64(bits()) * n;
            if (u32(product) >= threshold) return u32(product >> 32);
        }
    }
};

// The mask after one convolution: element e of its output [n, c, h, w] is draw number e.
struct Dropout {
    const Clock *clock;
    int convolution;
    float rate;
    int channels, area; // of what the convolution wrote: channels, and pixels of a map

    // 0, or one over the share that stays.
    __device__ __forceinline__ float factor(int pixel, int channel) const {
        u32 image = u32(pixel / area), place = u32(pixel % area);
        u64 element = (u64(image) * u32(channels) + u32(channel)) * u32(area) + place;
        Draws draws = philox(u32(element / 4), clock->step[1] << 8 | PURPOSE_DROPOUT, clock->step[0], u32(convolution),
                             clock->seed[0], clock->seed[1]);
        float uniform = float(draws.v[element % 4] >> 8) / 16777216.0f;
        return uniform < rate ? 0.0f : 1.0f / (1.0f - rate);
    }
};
