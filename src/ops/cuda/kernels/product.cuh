// Products of a warp: 16·MT rows by BN columns, in registers.
//
// A lane holds rows lane/4 + 8i and columns 2·(lane%4) + 8j + p: how the matrix units hand out their results.
// In f32 every lane multiplies for itself; TF32 and bf16 are the matrix units'.

template <int MT, int BN>
struct Sums {
    float at[2 * MT][BN / 8][2];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < 2 * MT; ++i)
#pragma unroll
            for (int j = 0; j < BN / 8; ++j) at[i][j][0] = at[i][j][1] = 0.0f;
    }

    template <class Multiply>
    __device__ __forceinline__ void multiply(int m, int j, const Multiply &mma) {
        float c[4] = {at[2 * m][j][0], at[2 * m][j][1], at[2 * m + 1][j][0], at[2 * m + 1][j][1]};
        mma(c);
        at[2 * m][j][0] = c[0];
        at[2 * m][j][1] = c[1];
        at[2 * m + 1][j][0] = c[2];
        at[2 * m + 1][j][1] = c[3];
    }

    // Adds DEPTH products to each sum: rows[i] is where the lane's row i begins in `a`; column n begins at
    // n·STRIDE in `b`. Which of the DEPTH a lane takes is its own affair, as long as both sides agree.
    __device__ __forceinline__ void add(const op_t *a, const int (&rows)[2 * MT], const op_t *b) {
        const int g = lane_of() / 4, t = lane_of() % 4;
#if PRECISION == 0
        (void)g;
#pragma unroll
        for (int k = 0; k < DEPTH; k += 4) {
            float4 x[2 * MT];
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) x[i] = *reinterpret_cast<const float4 *>(a + rows[i] + k);
#pragma unroll
            for (int j = 0; j < BN / 8; ++j)
#pragma unroll
                for (int p = 0; p < 2; ++p) {
                    float4 y = *reinterpret_cast<const float4 *>(b + (8 * j + 2 * t + p) * STRIDE + k);
#pragma unroll
                    for (int i = 0; i < 2 * MT; ++i) {
                        float sum = at[i][j][p];
                        sum = fmaf(x[i].x, y.x, sum);
                        sum = fmaf(x[i].y, y.y, sum);
                        sum = fmaf(x[i].z, y.z, sum);
                        at[i][j][p] = fmaf(x[i].w, y.w, sum);
                    }
                }
        }
#elif PRECISION == 1
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            u32 x[MT][4];
#pragma unroll
            for (int m = 0; m < MT; ++m) {
                float2 upper = *reinterpret_cast<const float2 *>(a + rows[2 * m] + k + 2 * t);
                float2 lower = *reinterpret_cast<const float2 *>(a + rows[2 * m + 1] + k + 2 * t);
                x[m][0] = __float_as_uint(upper.x);
                x[m][1] = __float_as_uint(lower.x);
                x[m][2] = __float_as_uint(upper.y);
                x[m][3] = __float_as_uint(lower.y);
            }
#pragma unroll
            for (int j = 0; j < BN / 8; ++j) {
                float2 both = *reinterpret_cast<const float2 *>(b + (8 * j + g) * STRIDE + k + 2 * t);
                u32 y[2] = {__float_as_uint(both.x), __float_as_uint(both.y)};
#pragma unroll
                for (int m = 0; m < MT; ++m) multiply(m, j, [&](float (&c)[4]) { mma_tf32(c, x[m], y); });
            }
        }
#else
        u32 x[MT][4];
#pragma unroll
        for (int m = 0; m < MT; ++m) {
            uint2 upper = *reinterpret_cast<const uint2 *>(a + rows[2 * m] + 4 * t);
            uint2 lower = *reinterpret_cast<const uint2 *>(a + rows[2 * m + 1] + 4 * t);
            x[m][0] = upper.x;
            x[m][1] = lower.x;
            x[m][2] = upper.y;
            x[m][3] = lower.y;
        }
#pragma unroll
        for (int j = 0; j < BN / 8; ++j) {
            uint2 both = *reinterpret_cast<const uint2 *>(b + (8 * j + g) * STRIDE + 4 * t);
            u32 y[2] = {both.x, both.y};
#pragma unroll
            for (int m = 0; m < MT; ++m) multiply(m, j, [&](float (&c)[4]) { mma_bf16(c, x[m], y); });
        }
#endif
    }

    // The same where the sum runs over rows of both sides: factor (k, row) is a[row_of(k) + row], factor
    // (k, column) is b[k·stride + column].
    template <class RowOf>
    __device__ __forceinline__ void add_rows(const op_t *a, const RowOf &row_of, const op_t *b, int stride) {
        const int g = lane_of() / 4, t = lane_of() % 4;
#if PRECISION == 0
#pragma unroll 4
        for (int k = 0; k < DEPTH; ++k) {
            const op_t *from = a + row_of(k) + g;
            float x[2 * MT];
#pragma unroll
            for (int i = 0; i < 2 * MT; ++i) x[i] = from[8 * i];
#pragma unroll
            for (int j = 0; j < BN / 8; ++j) {
                float2 y = *reinterpret_cast<const float2 *>(b + k * stride + 8 * j + 2 * t);
#pragma unroll
                for (int i = 0; i < 2 * MT; ++i) {
                    at[i][j][0] = fmaf(x[i], y.x, at[i][j][0]);
                    at[i][j][1] = fmaf(x[i], y.y, at[i][j][1]);
                }
            }
        }
#elif PRECISION == 1
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            const op_t *near = a + row_of(k + t) + g, *far = a + row_of(k + t + 4) + g;
            u32 x[MT][4];
#pragma unroll
            for (int m = 0; m < MT; ++m) {
                x[m][0] = __float_as_uint(near[16 * m]);
                x[m][1] = __float_as_uint(near[16 * m + 8]);
                x[m][2] = __float_as_uint(far[16 * m]);
                x[m][3] = __float_as_uint(far[16 * m + 8]);
            }
#pragma unroll
            for (int j = 0; j < BN / 8; ++j) {
                u32 y[2] = {__float_as_uint(b[(k + t) * stride + 8 * j + g]),
                            __float_as_uint(b[(k + t + 4) * stride + 8 * j + g])};
#pragma unroll
                for (int m = 0; m < MT; ++m) multiply(m, j, [&](float (&c)[4]) { mma_tf32(c, x[m], y); });
            }
        }
#else
        const op_t *at0 = a + row_of(2 * t) + g, *at1 = a + row_of(2 * t + 1) + g;
        const op_t *at8 = a + row_of(2 * t + 8) + g, *at9 = a + row_of(2 * t + 9) + g;
        u32 x[MT][4];
#pragma unroll
        for (int m = 0; m < MT; ++m) {
            x[m][0] = u32(at0[16 * m]) | u32(at1[16 * m]) << 16;
            x[m][1] = u32(at0[16 * m + 8]) | u32(at1[16 * m + 8]) << 16;
            x[m][2] = u32(at8[16 * m]) | u32(at9[16 * m]) << 16;
            x[m][3] = u32(at8[16 * m + 8]) | u32(at9[16 * m + 8]) << 16;
        }
#pragma unroll
        for (int j = 0; j < BN / 8; ++j) {
            const op_t *from = b + 2 * t * stride + 8 * j + g;
            u32 y[2] = {u32(from[0]) | u32(from[stride]) << 16, u32(from[8 * stride]) | u32(from[9 * stride]) << 16};
#pragma unroll
            for (int m = 0; m < MT; ++m) multiply(m, j, [&](float (&c)[4]) { mma_bf16(c, x[m], y); });
        }
#endif
    }
};
