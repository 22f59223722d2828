//! Counter-based random numbers: every draw is a function of (seed, purpose, epoch, index).
//!
//! Nothing is ever saved or skipped: a resumed run asks for the same draws by the same coordinates.
//! The generator is Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
//! 1, 2, 3", SC 2011); its known answers are in the tests.

/// What a draw is for. Streams of different purposes never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Initial weights; index = parameter.
    Init = 1,
    /// Order of the training images; index 0.
    Shuffle = 2,
    /// Random crop and flip; index = image.
    Augment = 3,
    /// Dropout masks; epoch = step, index = convolution.
    Dropout = 4,
    /// Which training images become the validation split; index = class.
    Validation = 5,
    /// Which training images a limit keeps; index = class.
    Limit = 6,
    /// The built-in generated images; index = image.
    Shapes = 7,
    /// Images of the benchmark.
    Bench = 8,
    /// Values of a sweep; epoch = trial, index = key.
    Sweep = 9,
}

/// A stream of draws at one coordinate. Cheap to make: two words of key and a counter.
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    /// (block of four draws, purpose and high bits of the epoch, low bits of the epoch, index)
    counter: [u32; 4],
    buffer: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of `purpose` at (`epoch`, `index`) under `seed`. Epochs beyond 2^56 alias.
    pub fn new(seed: u64, purpose: Purpose, epoch: u64, index: u32) -> Self {
        let high = ((epoch >> 32) as u32) << 8 | purpose as u32;
        Self {
            key: [seed as u32, (seed >> 32) as u32],
            counter: [0, high, epoch as u32, index],
            buffer: [0; 4],
            used: 4,
        }
    }

    /// Goes to draw number `draw` (of 32 bits), from 0.
    pub fn seek(&mut self, draw: u64) {
        self.counter[0] = (draw / 4) as u32;
        self.used = 4;
        for _ in 0..draw % 4 {
            self.bits();
        }
    }

    /// The next 32 uniform bits.
    pub fn bits(&mut self) -> u32 {
        if self.used == 4 {
            self.buffer = philox(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.buffer[self.used - 1]
    }

    /// Uniform in [0, 1), on a grid of 2^-24: every value is exact in f32.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in 0..n, without bias (Lemire's method). `n` must not be 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.bits()) * u64::from(n);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Standard normal (Box-Muller, in f64 so that the tail is right).
    pub fn normal(&mut self) -> f32 {
        let u = (f64::from(self.bits()) + 0.5) / 4_294_967_296.0;
        let v = f64::from(self.bits()) / 4_294_967_296.0;
        ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
    }

    /// Shuffles `items` in place (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u32 + 1) as usize);
        }
    }
}

/// One block of Philox 4x32-10.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key[0] = key[0].wrapping_add(0x9E37_79B9);
            key[1] = key[1].wrapping_add(0xBB67_AE85);
        }
        let a = u64::from(counter[0]) * 0xD251_1F53;
        let b = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that ship with the authors' Random123 (kat_vectors).
    #[test]
    fn a_stream_that_seeks_goes_on_as_if_it_had_drawn_all_before() {
        let stream = || Stream::new(1, Purpose::Dropout, 2, 3);
        let mut drawn = stream();
        let all: Vec<u32> = (0..20).map(|_| drawn.bits()).collect();
        for from in [0, 3, 4, 9] {
            let mut sought = stream();
            sought.bits();
            sought.seek(from as u64);
            assert_eq!((from..20).map(|_| sought.bits()).collect::<Vec<_>>(), all[from..]);
        }
    }

    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn a_draw_depends_on_every_coordinate_and_on_nothing_else() {
        let draw = |seed, purpose, epoch, index| Stream::new(seed, purpose, epoch, index).bits();
        let base = draw(1, Purpose::Shuffle, 2, 3);
        assert_eq!(base, draw(1, Purpose::Shuffle, 2, 3));
        assert_ne!(base, draw(2, Purpose::Shuffle, 2, 3));
        assert_ne!(base, draw(1 << 40 | 1, Purpose::Shuffle, 2, 3));
        assert_ne!(base, draw(1, Purpose::Augment, 2, 3));
        assert_ne!(base, draw(1, Purpose::Shuffle, 3, 3));
        assert_ne!(base, draw(1, Purpose::Shuffle, 2, 4));
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut stream = Stream::new(7, Purpose::Init, 0, 0);
        let n = 100_000;
        let uniform: f64 = (0..n).map(|_| f64::from(stream.uniform())).sum::<f64>() / f64::from(n);
        assert!((uniform - 0.5).abs() < 0.005, "mean of uniform is {uniform}");
        let normals: Vec<f64> = (0..n).map(|_| f64::from(stream.normal())).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
            "normal has mean {mean}, variance {variance}"
        );
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_below_reaches_every_value() {
        let mut items: Vec<u32> = (0..100).collect();
        let mut stream = Stream::new(0, Purpose::Shuffle, 1, 0);
        stream.shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
        let mut seen = [false; 7];
        (0..200).for_each(|_| seen[stream.below(7) as usize] = true);
        assert_eq!(seen, [true; 7]);
    }
}
