// The end of a training step. First everything that would change is computed and looked at; only where all
// of it is finite does anything change.

enum { SGD, MOMENTUM, NESTEROV, ADAM, ADAMW };
enum { FINE, LOSS_NOT_FINITE, GRADIENT_NOT_FINITE, WEIGHT_NOT_FINITE };

struct Result {
    float loss; // mean over the batch, in nats
    u32 correct;
    u32 failed;
    u32 index; // of the step in its epoch
};

struct Update { // of a launch
    float *parameters;
    const float *gradient;
    float *first_slot;  // momentum_buffer or exp_avg
    float *second_slot; // exp_avg_sq
    float *running;     // of each normalisation its means, then its variances
    const double *statistics;
    const int *sources; // pairs by running number: its place in `statistics`, and pixels of a map where M - 1 is to divide
    const float *rates; // by step of the epoch: learning rate, the same over 1 - β1ᵗ, √(1 - β2ᵗ)
    Clock *clock;
    u32 *flags; // by block of `check`
    u32 *verdict;
    const float *losses;
    const int *hits;
    Result *result;
    int parameters_count;
    int running_count;
    int batch;
    int blocks; // of `check`
    float momentum;
    float weight_decay;
    float running_momentum;
};

__device__ __forceinline__ bool finite(float x) { return (__float_as_uint(x) & 0x7f800000u) != 0x7f800000u; }

struct Changed {
    float weight, first, second;
};

// What a step makes of weight number `at` and its state.
template <int RULE>
__device__ __forceinline__ Changed changed(const Update &of, int at) {
    const float *rates = of.rates + 3 * size_t(of.clock->index);
    const float w = of.parameters[at], rate = rates[0];
    float g = of.gradient[at];
    if (RULE != ADAMW && of.weight_decay != 0.0f) g += w * of.weight_decay;
    if (RULE == SGD) return Changed{w - g * rate, 0.0f, 0.0f};
    if (RULE == MOMENTUM || RULE == NESTEROV) {
        float v = of.first_slot[at] * of.momentum + g;
        return Changed{w - (RULE == NESTEROV ? g + v * of.momentum : v) * rate, v, 0.0f};
    }
    const float kept = RULE == ADAMW ? w * (1.0f - rate * of.weight_decay) : w;
    float mean = of.first_slot[at] * 0.9f + g * 0.1f, square = of.second_slot[at] * 0.999f + g * g * 0.001f;
    return Changed{kept - mean / (sqrtf(square) / rates[2] + 1e-8f) * rates[1], mean, square};
}

// A running statistic after the step.
__device__ __forceinline__ float running(const Update &of, int at) {
    double found = of.statistics[of.sources[2 * at]], momentum = double(of.running_momentum);
    int area = of.sources[2 * at + 1];
    if (area > 0) {
        double count = double(of.batch) * double(area);
        found *= count / (count - 1.0);
    }
    return float((1.0 - momentum) * double(of.running[at]) + momentum * found);
}

// Looks at everything. Any number of blocks of 256 threads.
template <int RULE>
__device__ __forceinline__ void check(const Update &of) {
    u32 *all = reinterpret_cast<u32 *>(shared_memory());
    const int thread = int(threadIdx.x), begin = int(blockIdx.x) * 256 + thread, step = int(gridDim.x) * 256;
    u32 found = 0;
    for (int at = begin; at < of.parameters_count; at += step) {
        Changed next = changed<RULE>(of, at);
        if (!finite(of.gradient[at])) found |= 1u << GRADIENT_NOT_FINITE;
        if (!finite(next.weight) || !finite(next.first) || !finite(next.second)) found |= 1u << WEIGHT_NOT_FINITE;
    }
    for (int at = begin; at < of.running_count; at += step)
        if (!finite(running(of, at))) found |= 1u << GRADIENT_NOT_FINITE;
    all[thread] = found;
    for (int half = 128; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) all[thread] |= all[thread + half];
    }
    if (thread == 0) of.flags[blockIdx.x] = all[0];
}

// Decides, and says how the step went. One block of JUDGES threads.
constexpr int JUDGES = 128;
__device__ __forceinline__ void judge(const Update &of) {
    double *sums = reinterpret_cast<double *>(shared_memory());
    u32 *hits = reinterpret_cast<u32 *>(sums + JUDGES), *found = hits + JUDGES;
    const int thread = int(threadIdx.x);
    sums[thread] = 0.0;
    hits[thread] = found[thread] = 0;
    for (int image = thread; image < of.batch; image += JUDGES) {
        sums[thread] += double(of.losses[image]);
        hits[thread] += u32(of.hits[image]);
    }
    for (int block = thread; block < of.blocks; block += JUDGES) found[thread] |= of.flags[block];
    for (int half = JUDGES / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half) {
            sums[thread] += sums[thread + half];
            hits[thread] += hits[thread + half];
            found[thread] |= found[thread + half];
        }
    }
    if (thread != 0) return;
    const float mean = float(sums[0] / double(of.batch));
    u32 failed = of.clock->failed;
    if (failed == FINE && !finite(mean)) failed = LOSS_NOT_FINITE;
    if (failed == FINE && (found[0] & 1u << GRADIENT_NOT_FINITE)) failed = GRADIENT_NOT_FINITE;
    if (failed == FINE && (found[0] & 1u << WEIGHT_NOT_FINITE)) failed = WEIGHT_NOT_FINITE;
    *of.verdict = failed;
    *of.result = Result{mean, hits[0], failed, of.clock->index};
}

// Changes everything, or nothing. Any number of blocks of 256 threads.
template <int RULE>
__device__ __forceinline__ void commit(const Update &of) {
    if (*of.verdict != FINE) return;
    const int begin = int(blockIdx.x) * 256 + int(threadIdx.x), step = int(gridDim.x) * 256;
    for (int at = begin; at < of.parameters_count; at += step) {
        Changed next = changed<RULE>(of, at);
        of.parameters[at] = next.weight;
        if (RULE != SGD) of.first_slot[at] = next.first;
        if (RULE == ADAM || RULE == ADAMW) of.second_slot[at] = next.second;
    }
    for (int at = begin; at < of.running_count; at += step) of.running[at] = running(of, at);
}

// The step is over. One block of one thread.
__device__ __forceinline__ void advance(const Update &of) {
    of.clock->failed = *of.verdict;
    if (*of.verdict != FINE) return;
    of.clock->index += 1;
    of.clock->step[0] += 1;
    if (of.clock->step[0] == 0) of.clock->step[1] += 1;
}
