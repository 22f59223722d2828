// What a pass begins with: images and weights in the layout of the products.

struct TakeIn { // of a launch
    const float *from; // [images, 3, area]
    float *images;     // [pixels, 4]
    int pixels;
    int area;
};

// Blocks of 256 pixels.
__device__ __forceinline__ void take_in(const TakeIn &of) {
    const int pixel = int(blockIdx.x) * 256 + int(threadIdx.x);
    if (pixel >= of.pixels) return;
    const float *from = of.from + size_t(pixel / of.area) * 3 * of.area + pixel % of.area;
    *reinterpret_cast<float4 *>(of.images + size_t(pixel) * 4) = make_float4(from[0], from[of.area], from[2 * of.area], 0.0f);
}

// Pixels added on each side before a crop.
constexpr int PADDING = 4;

struct Augment { // of a launch
    const u8 *pixels;     // all images [count, 3, side, side]
    const int *order;     // the images of the epoch in their order; null: as they lie
    const int *all_labels;
    const float *table;   // [3, 257]: what each byte becomes, then what a crop finds outside
    float *images;        // [pixels of the batch, 4]
    int *labels;
    const Clock *clock;
    int batch; // images of a full batch: where the batch number `index` begins
    int side;
    int crops; // whether images are cropped at random
    int flips; // whether half of them are mirrored
};

// A block of 256 threads for each image of the batch.
__device__ __forceinline__ void augment(const Augment &of) {
    int *crop = reinterpret_cast<int *>(shared_memory());
    const int number = int(of.clock->index) * of.batch + int(blockIdx.x), area = of.side * of.side;
    const int image = of.order == nullptr ? number : of.order[number];
    if (threadIdx.x == 0) {
        int top = PADDING, left = PADDING, flip = 0;
        if (of.crops) {
            Stream draws(of.clock->seed, PURPOSE_AUGMENT, of.clock->epoch, u32(image));
            top = int(draws.below(2 * PADDING + 1));
            left = int(draws.below(2 * PADDING + 1));
            flip = draws.below(2) == 1 && of.flips;
        }
        crop[0] = top - PADDING;
        crop[1] = left - PADDING;
        crop[2] = flip;
        of.labels[blockIdx.x] = of.all_labels[image];
    }
    __syncthreads();
    for (int place = int(threadIdx.x); place < area; place += 256) {
        int x = place % of.side, y = place / of.side + crop[0];
        x = (crop[2] ? of.side - 1 - x : x) + crop[1];
        bool inside = x >= 0 && x < of.side && y >= 0 && y < of.side;
        float value[3];
#pragma unroll
        for (int c = 0; c < 3; ++c) {
            int byte = inside ? of.pixels[(size_t(image) * 3 + c) * area + y * of.side + x] : 256;
            value[c] = of.table[c * 257 + byte];
        }
        *reinterpret_cast<float4 *>(of.images + (size_t(blockIdx.x) * area + place) * 4) =
            make_float4(value[0], value[1], value[2], 0.0f);
    }
}

struct Pack { // of a launch
    const float *parameters;
    op_t *packed;
    const int *table; // rows of 8: see below
};

// What weights are packed for, in the table: AROUND is for a product over all taps at once, four numbers for each.
enum { FORWARD, BACKWARD, AROUND };

// Weights [outputs, inputs, taps] as products read them, [column tiles, chunks, taps, BN, DEPTH] (AROUND: [column
// tiles, chunks, BN, DEPTH]), zeros where there is no such weight. BACKWARD the columns are the inputs and the taps run
// in reverse; otherwise they are the outputs. Grid: any number of blocks of 256 threads by the rows of the table.
__device__ __forceinline__ void pack(const Pack &of) {
    const int *row = of.table + 8 * blockIdx.y;
    const int offset = row[0], outputs = row[1], inputs = row[2], taps = row[3], bn = row[4], columns = row[5];
    const bool backward = row[6] == BACKWARD, around = row[6] == AROUND;
    const int each = around ? 1 : taps, depth = backward ? outputs : around ? 4 * taps : inputs;
    const int chunks = up(depth, DEPTH) / DEPTH, length = columns * chunks * each * bn * DEPTH;
    for (int at = int(blockIdx.x) * 256 + int(threadIdx.x); at < length; at += int(gridDim.x) * 256) {
        int k = at % DEPTH, n = at / DEPTH % bn, tap = at / DEPTH / bn % each, chunk = at / DEPTH / bn / each % chunks;
        int column = at / DEPTH / bn / each / chunks * bn + n, deep = chunk * DEPTH + k;
        int output = backward ? deep : column, input = backward ? column : around ? deep % 4 : deep;
        int from = backward ? taps - 1 - tap : around ? deep / 4 : tap;
        bool there = output < outputs && input < inputs && from < taps;
        of.packed[row[7] + at] = factor(there ? of.parameters[offset + (output * inputs + input) * taps + from] : 0.0f);
    }
}

struct RunningScale { // of a launch
    const float *running; // of each normalisation its means, then its variances
    float *scale;         // 1/√(variance + ε) in the places of the variances
    int length;
    float epsilon;
};

// Blocks of 256 numbers.
__device__ __forceinline__ void running_scale(const RunningScale &of) {
    const int at = int(blockIdx.x) * 256 + int(threadIdx.x);
    if (at < of.length) of.scale[at] = float(1.0 / sqrt(double(of.running[at]) + double(of.epsilon)));
}
