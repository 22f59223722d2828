//! What the host finds that a card would not say.

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
