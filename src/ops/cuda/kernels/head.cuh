// The end of the network: BN-ReLU, the average over each map, the linear layer, the loss, and back.

struct Average { // of a launch
    const map_t *maps; // [pixels, stride]
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    float *averages; // [images, channels]
    int stride;
    int channels;
    int area; // pixels of a map
};

// Grid: images by 128 channels.
__device__ __forceinline__ void average(const Average &of) {
    const int c = int(blockIdx.y) * 128 + int(threadIdx.x), image = int(blockIdx.x);
    if (c >= of.channels) return;
    const float a = of.weight[c] * of.scale[c], mean = of.mean[c], bias = of.bias[c];
    const map_t *from = of.maps + size_t(image) * of.area * of.stride + c;
    float sum = 0.0f;
#pragma unroll 8
    for (int pixel = 0; pixel < of.area; ++pixel) {
        float y = fmaf(a, number(from[size_t(pixel) * of.stride]) - mean, bias);
        sum += y < 0.0f ? 0.0f : y;
    }
    of.averages[size_t(image) * of.channels + c] = sum / float(of.area);
}

struct AverageBackward { // of a launch
    const map_t *maps;
    const float *mean;
    const float *scale;
    const float *weight;
    const float *bias;
    const float *averages_gradient; // [images, channels]
    float *gradient;                // [pixels, stride]: replaced
    float *left;                    // [2][channels, tiles]
    int stride;
    int channels;
    int pixels;
    int area;
};

// Pixels of a tile.
constexpr int AVERAGE_PIXELS = 32;

// Grid: tiles by 128 channels.
__device__ __forceinline__ void average_backward(const AverageBackward &of) {
    const int c = int(blockIdx.y) * 128 + int(threadIdx.x), begin = int(blockIdx.x) * AVERAGE_PIXELS;
    if (c >= of.channels) return;
    const float a = of.weight[c] * of.scale[c], mean = of.mean[c], bias = of.bias[c];
    float sum = 0.0f, product = 0.0f;
#pragma unroll 4
    for (int pixel = begin; pixel < min(of.pixels, begin + AVERAGE_PIXELS); ++pixel) {
        size_t at = size_t(pixel) * of.stride + c;
        float distance = number(of.maps[at]) - mean;
        float d = of.averages_gradient[size_t(pixel / of.area) * of.channels + c] / float(of.area);
        d = fmaf(a, distance, bias) > 0.0f ? d : 0.0f;
        of.gradient[at] = a * d;
        sum += d;
        product = fmaf(d, distance, product);
    }
    float *to = of.left + size_t(c) * gridDim.x + blockIdx.x;
    to[0] = sum;
    to[size_t(of.channels) * gridDim.x] = product;
}

struct Classify { // of a launch
    const float *averages; // [images, channels]
    const float *weight;   // [classes, channels]
    const float *bias;
    float *logits; // [images, classes]
    int channels;
    int classes;
};

// A block of 128 threads for each image, a warp for every fourth class.
__device__ __forceinline__ void classify(const Classify &of) {
    const float *row = of.averages + size_t(blockIdx.x) * of.channels;
    for (int k = warp_of(); k < of.classes; k += 4) {
        float sum = 0.0f;
        for (int c = lane_of(); c < of.channels; c += 32) sum = fmaf(row[c], of.weight[size_t(k) * of.channels + c], sum);
        for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
        if (lane_of() == 0) of.logits[size_t(blockIdx.x) * of.classes + k] = sum + of.bias[k];
    }
}

struct ClassifyBackward { // of a launch
    const float *gradient; // of the logits [images, classes]
    const float *averages;
    const float *weight;
    float *weight_gradient;
    float *bias_gradient;
    float *averages_gradient;
    int batch;
    int channels;
    int classes;
};

// Of weight and bias. Grid: classes by 128 channels.
__device__ __forceinline__ void classify_weights(const ClassifyBackward &of) {
    const int k = int(blockIdx.x), c = int(blockIdx.y) * 128 + int(threadIdx.x);
    if (c >= of.channels) return;
    float sum = 0.0f, all = 0.0f;
#pragma unroll 4
    for (int image = 0; image < of.batch; ++image) {
        float g = of.gradient[size_t(image) * of.classes + k];
        sum = fmaf(g, of.averages[size_t(image) * of.channels + c], sum);
        all += g;
    }
    of.weight_gradient[size_t(k) * of.channels + c] = sum;
    if (c == 0) of.bias_gradient[k] = all;
}

// Of the averages. Grid: images by 128 channels.
__device__ __forceinline__ void classify_input(const ClassifyBackward &of) {
    const int image = int(blockIdx.x), c = int(blockIdx.y) * 128 + int(threadIdx.x);
    if (c >= of.channels) return;
    float sum = 0.0f;
#pragma unroll 4
    for (int k = 0; k < of.classes; ++k)
        sum = fmaf(of.gradient[size_t(image) * of.classes + k], of.weight[size_t(k) * of.channels + c], sum);
    of.averages_gradient[size_t(image) * of.channels + c] = sum;
}

struct Loss { // of a launch
    const float *logits;
    const int *labels;
    float *losses;   // by image, in nats
    int *hits;       // by image: whether it was right
    int *predictions; // by image
    float *gradient; // of the mean loss by the logits; may be null
    const float *class_weights; // by class; may be null
    int batch;
    int classes;
    float smoothing;
};

// Cross-entropy with label smoothing and class weights: a warp for each image. With weights the losses are those of
// PyTorch's weighted mean: their mean over the images is the sum of the weighted ones over the weights of the labels.
__device__ __forceinline__ void loss(const Loss &of) {
    const int lane = int(threadIdx.x), image = int(blockIdx.x), label = of.labels[image];
    const float *row = of.logits + size_t(image) * of.classes;
    float best = __uint_as_float(0xff800000u);
    int said = of.classes;
    for (int k = lane; k < of.classes; k += 32)
        if (row[k] > best || said == of.classes) {
            best = row[k];
            said = k;
        }
    for (int step = 16; step > 0; step /= 2) {
        float other = __shfl_xor_sync(0xffffffffu, best, step);
        int where = __shfl_xor_sync(0xffffffffu, said, step);
        if (where < of.classes && (said == of.classes || other > best || (other == best && where < said))) {
            best = other;
            said = where;
        }
    }
    const float *weights = of.class_weights;
    float sum = 0.0f, logits = 0.0f, mass = 0.0f, labels = 0.0f;
    for (int k = lane; k < of.classes; k += 32) {
        const float weight = weights == nullptr ? 1.0f : weights[k];
        sum += expf(row[k] - best);
        logits += weight * (row[k] - best);
        mass += weight;
    }
    if (weights != nullptr)
        for (int i = lane; i < of.batch; i += 32) labels += weights[of.labels[i]];
    for (int step = 16; step > 0; step /= 2) {
        sum += __shfl_xor_sync(0xffffffffu, sum, step);
        logits += __shfl_xor_sync(0xffffffffu, logits, step);
        mass += __shfl_xor_sync(0xffffffffu, mass, step);
        labels += __shfl_xor_sync(0xffffffffu, labels, step);
    }
    const float log_sum = logf(sum), classes = float(of.classes), batch = float(of.batch);
    // Of this image's label, and of all labels of the batch.
    const float weight = weights == nullptr ? 1.0f : weights[label];
    const float total = weights == nullptr ? batch : labels;
    const float spread = of.smoothing / classes;
    if (lane == 0) {
        float hit = row[label] - best - log_sum, all = logits - mass * log_sum;
        of.losses[image] = -((1.0f - of.smoothing) * weight * hit + spread * all) * (batch / total);
        of.hits[image] = said == label;
        of.predictions[image] = said;
    }
    if (of.gradient == nullptr) return;
    for (int k = lane; k < of.classes; k += 32) {
        const float own = weights == nullptr ? 1.0f : weights[k];
        const float target = (k == label ? (1.0f - of.smoothing) * weight : 0.0f) + spread * own;
        const float all = (1.0f - of.smoothing) * weight + spread * mass;
        of.gradient[size_t(image) * of.classes + k] = (expf(row[k] - best - log_sum) * all - target) / total;
    }
}
