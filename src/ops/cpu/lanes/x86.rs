//! AVX-512 and AVX2 with FMA.

#![expect(
    clippy::inline_always,
    reason = "a kernel must be compiled with the instructions it is dispatched to"
)]

use std::arch::x86_64::{__m256, __m512, _CMP_EQ_OQ, _CMP_GT_OQ};

use pulp::x86::{V3, V4};

use crate::ops::cpu::lanes::Lanes;

impl Lanes for V4 {
    type V = __m512;
    const N: usize = 16;
    const TILE: usize = 12;

    single_instructions!(__m512, avx512f, _mm512_set1_ps, _mm512_add_ps, _mm512_sub_ps, _mm512_mul_ps);

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        self.avx512f._mm512_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    fn relu(self, x: __m512) -> __m512 {
        // Of two numbers, one of them NaN, the instruction returns the second.
        self.avx512f._mm512_max_ps(self.avx512f._mm512_setzero_ps(), x)
    }

    #[inline(always)]
    fn where_positive(self, of: __m512, value: __m512) -> __m512 {
        let zero = self.avx512f._mm512_setzero_ps();
        let mask = self.avx512f._mm512_cmp_ps_mask::<_CMP_GT_OQ>(of, zero);
        self.avx512f._mm512_maskz_mov_ps(mask, value)
    }

    #[inline(always)]
    fn where_greater(self, a: __m512, b: __m512, value: __m512) -> __m512 {
        let mask = self.avx512f._mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b);
        self.avx512f._mm512_maskz_mov_ps(mask, value)
    }

    #[inline(always)]
    fn where_equal(self, a: __m512, b: __m512, value: __m512) -> __m512 {
        let mask = self.avx512f._mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
        self.avx512f._mm512_maskz_mov_ps(mask, value)
    }

    #[inline(always)]
    fn pick(self, from: __m512, lanes: __m512) -> __m512 {
        self.avx512f._mm512_permutexvar_ps(self.avx512f._mm512_castps_si512(lanes), from)
    }

    #[inline(always)]
    fn sums(self, [a, b, c, d]: [__m512; 4]) -> [f32; 4] {
        let ab = self
            .avx512f
            ._mm512_add_ps(self.avx512f._mm512_unpacklo_ps(a, b), self.avx512f._mm512_unpackhi_ps(a, b));
        let cd = self
            .avx512f
            ._mm512_add_ps(self.avx512f._mm512_unpacklo_ps(c, d), self.avx512f._mm512_unpackhi_ps(c, d));
        let quarters = self.avx512f._mm512_add_ps(
            self.avx512f._mm512_shuffle_ps::<0b01_00_01_00>(ab, cd),
            self.avx512f._mm512_shuffle_ps::<0b11_10_11_10>(ab, cd),
        );
        let low = self.sse._mm_add_ps(
            self.avx512f._mm512_castps512_ps128(quarters),
            self.avx512f._mm512_extractf32x4_ps::<1>(quarters),
        );
        let high = self.sse._mm_add_ps(
            self.avx512f._mm512_extractf32x4_ps::<2>(quarters),
            self.avx512f._mm512_extractf32x4_ps::<3>(quarters),
        );
        pulp::cast(self.sse._mm_add_ps(low, high))
    }

    #[inline(always)]
    fn sum(self, of: __m512) -> f32 {
        self.avx512f._mm512_reduce_add_ps(of)
    }
}

impl Lanes for V3 {
    type V = __m256;
    const N: usize = 8;
    const TILE: usize = 6;

    single_instructions!(__m256, avx, _mm256_set1_ps, _mm256_add_ps, _mm256_sub_ps, _mm256_mul_ps);

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        self.fma._mm256_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    fn relu(self, x: __m256) -> __m256 {
        // Of two numbers, one of them NaN, the instruction returns the second.
        self.avx._mm256_max_ps(self.avx._mm256_setzero_ps(), x)
    }

    #[inline(always)]
    fn where_positive(self, of: __m256, value: __m256) -> __m256 {
        let zero = self.avx._mm256_setzero_ps();
        self.avx._mm256_and_ps(self.avx._mm256_cmp_ps::<_CMP_GT_OQ>(of, zero), value)
    }

    #[inline(always)]
    fn where_greater(self, a: __m256, b: __m256, value: __m256) -> __m256 {
        self.avx._mm256_and_ps(self.avx._mm256_cmp_ps::<_CMP_GT_OQ>(a, b), value)
    }

    #[inline(always)]
    fn where_equal(self, a: __m256, b: __m256, value: __m256) -> __m256 {
        self.avx._mm256_and_ps(self.avx._mm256_cmp_ps::<_CMP_EQ_OQ>(a, b), value)
    }

    #[inline(always)]
    fn pick(self, from: __m256, lanes: __m256) -> __m256 {
        self.avx2._mm256_permutevar8x32_ps(from, self.avx._mm256_castps_si256(lanes))
    }

    #[inline(always)]
    fn sums(self, [a, b, c, d]: [__m256; 4]) -> [f32; 4] {
        let halves = self.avx._mm256_hadd_ps(self.avx._mm256_hadd_ps(a, b), self.avx._mm256_hadd_ps(c, d));
        let (low, high) =
            (self.avx._mm256_castps256_ps128(halves), self.avx._mm256_extractf128_ps::<1>(halves));
        pulp::cast(self.sse._mm_add_ps(low, high))
    }

    #[inline(always)]
    fn sum(self, of: __m256) -> f32 {
        let zero = self.avx._mm256_setzero_ps();
        self.sums([of, zero, zero, zero])[0]
    }
}
