//! What the host finds that a GPU would not say.

use super::*;

fn averages(bench: &mut Bench, images: usize, room: usize) {
    let one = bench.floats(&[1.0; 3]);
    let args = args! {
        maps: bench.maps(&vec![1.0; 4 * images * 8]), mean: one, scale: one, weight: one, bias: one,
        averages: bench.floats(&vec![0.0; room]), stride: 8, channels: 3, area: 4,
    };
    bench.launch("average", "Average", ([images, 1, 1], 128, 0), args);
}

#[test]
fn what_a_kernel_writes_beyond_its_buffer_is_found() {
    let mut bench = Bench::new(Precision::F32);
    averages(&mut bench, 2, 5);
    let said = bench.ran(Options::default()).err().unwrap().to_string();
    assert!(said.contains("beyond buffer 2") && said.contains("average of a test"), "{said}");
    let sanitizer = Some(Sanitizer::Address);
    let said = bench.ran(Options { sanitizer, backwards: false }).err().unwrap().to_string();
    assert!(said.contains("heap-buffer-overflow"), "{said}");
}

/// Two slices of some weights.
fn joined() -> Bench {
    let mut bench = Bench::new(Precision::F32);
    let args = args! {
        partial: bench.floats(&[1.0; 70]), gradient: bench.floats(&[0.0; 35]), length: 35usize, slices: 2usize,
    };
    bench.launch("join_weights", "JoinWeights", ([2, 1, 1], 256, 1024), args);
    bench
}

/// What the host says of the kernel with other text in it.
fn said(bench: Bench, broken: (&'static str, &'static str), sanitizer: Option<Sanitizer>) -> String {
    let bench = Bench { broken: Some(broken), ..bench };
    bench.ran(Options { sanitizer, backwards: false }).err().unwrap().to_string()
}

/// Where the threads of [`joined`] wait for each other.
const MEETING: &str = "all[thread] = sum;\n    __syncthreads();\n    if (thread < 32";

#[test]
fn a_barrier_that_is_missing_is_a_race() {
    let sanitizer = Some(Sanitizer::Thread);
    let said = said(joined(), (MEETING, "all[thread] = sum;\n    if (thread < 32"), sanitizer);
    assert!(said.contains("data race"), "{said}");
    assert!(joined().ran(Options { sanitizer, backwards: false }).is_ok());
}

#[test]
fn blocks_that_write_to_one_place_are_a_race() {
    let broken = ("of.gradient[at] = sum;\n    }\n}", "of.gradient[thread] = sum;\n    }\n}");
    let said = said(joined(), broken, Some(Sanitizer::Thread));
    assert!(said.contains("data race"), "{said}");
}

#[test]
fn threads_that_wait_for_threads_that_are_gone_end_the_run() {
    let without = "if (thread == 40) return;\n    __syncthreads();\n    if (thread < 32";
    let said = said(joined(), (MEETING, without), None);
    assert!(said.contains("end where others wait"), "{said}");
}

#[test]
fn a_shuffle_in_which_only_some_threads_take_part_ends_the_run() {
    let alone =
        "if (thread == 40) __shfl_xor_sync(0xffffffffu, sum, 1);\n    __syncthreads();\n    if (thread < 32";
    let said = said(joined(), (MEETING, alone), None);
    assert!(said.contains("do not all take part"), "{said}");
}

#[test]
fn shared_memory_that_nobody_wrote_is_no_number() {
    let bench = Bench { broken: Some((MEETING, "if (thread < 32")), ..joined() };
    let ran = bench.ran(Options::default()).unwrap();
    assert!(ran.floats(Address { buffer: BufferId(1), offset: 0 }).iter().all(|x| x.is_nan()));
}

#[test]
fn an_address_that_a_gpu_would_refuse_ends_the_run() {
    let mut bench = Bench::new(Precision::F32);
    let (from, to) = (bench.floats(&[0.0; 3]), bench.floats(&[0.0; 5]));
    let to = Address { offset: 4, ..to };
    let args = args! { from: from, images: to, pixels: 1usize, area: 1usize };
    bench.launch("take_in", "TakeIn", ([1, 1, 1], 256, 0), args);
    let said = bench.ran(Options::default()).err().unwrap().to_string();
    assert!(said.contains("signal") && said.contains("while they ran take_in"), "{said}");
}

#[test]
fn kernels_that_do_not_compile_are_told_with_what_the_compiler_says() {
    let said = said(joined(), (MEETING, "nothing"), None);
    assert!(said.contains("do not compile") && said.contains("nothing"), "{said}");
}

#[test]
fn what_is_posted_is_collected_in_its_order_as_it_was_then() {
    let mut bench = Bench::new(Precision::F32);
    let place = bench.floats(&[1.0, 2.0]);
    let mut host = bench.host(Options::default()).unwrap();
    host.post(place.buffer, 4, 4).unwrap();
    host.write(place.buffer, 4, &3.0f32.to_le_bytes()).unwrap();
    host.post(place.buffer, 0, 8).unwrap();
    assert_eq!(host.collect(true).unwrap().unwrap(), 2.0f32.to_le_bytes());
    let both = [1.0f32, 3.0].map(f32::to_le_bytes).concat();
    assert_eq!(host.collect(false).unwrap(), Some(both));
    assert_eq!(host.collect(true).unwrap(), None);
}
