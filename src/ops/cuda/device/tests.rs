//! What a GPU must do, and what can be known of it without one: that every kernel compiles.

mod kernels;
mod plain;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use candle_core::Device;

use super::*;
use crate::ops::cuda::Precision;
use crate::ops::cuda::program::{Address, Arg, Lane, Launch, Work};
use crate::ops::cuda::tests::gpu;

/// A program in the making, with buffers of its own.
#[derive(Default)]
struct Bench {
    buffers: Buffers,
    program: Program,
}

impl Bench {
    fn buffer(&mut self, bytes: usize) -> BufferId {
        self.buffers.declare("test", bytes)
    }

    fn launch(
        &mut self,
        (kernel, takes): (&str, &'static str),
        grid: [u32; 3],
        (block, shared): (u32, usize),
        args: Vec<(&'static str, Arg)>,
    ) -> &mut Launch {
        let kernel = kernel.to_owned();
        let lane = Lane::Main;
        let launch = Launch {
            kernel,
            takes,
            args,
            grid,
            block,
            shared,
            lane,
            after: Vec::new(),
            work: Work::default(),
        };
        Arc::make_mut(&mut self.program.launches).push(launch);
        Arc::make_mut(&mut self.program.launches).last_mut().unwrap()
    }

    fn source(&self) -> Source {
        Source::new(Precision::F32, [&self.program])
    }

    fn gpu(&self, device: &Device) -> Gpu {
        let device = device.as_cuda_device().unwrap();
        Gpu::new(device, self.source(), self.buffers.clone(), None).unwrap()
    }
}

fn at(buffer: BufferId) -> Arg {
    Arg::At(Address { buffer, offset: 0 })
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn bytes_of_ints(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn read(gpu: &mut Gpu, buffer: BufferId, count: usize) -> Vec<f32> {
    let mut bytes = vec![0; 4 * count];
    gpu.read(buffer, 0, &mut bytes).unwrap();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

/// Numbers without a pattern between -1 and 1.
fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1u32 << 23) as f32 - 1.0)
        .collect()
}

#[test]
fn a_gpu_says_what_it_is_and_what_is_free() {
    let Some(device) = gpu() else { return };
    let text = describe(&device).unwrap();
    assert!(text.contains(", compute ") && text.ends_with(" GiB"), "{text}");
    let (free, total) = free_bytes(&device).unwrap();
    assert!(free > 0 && free <= total, "{free} of {total}");
}

#[test]
fn memory_is_zero_at_first_and_then_what_was_written() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let (small, large) = (bench.buffer(100), bench.buffer(9 << 20));
    let mut gpu = bench.gpu(&device);
    let mut found = vec![1; 9 << 20];
    gpu.read(large, 0, &mut found).unwrap();
    assert!(found.iter().all(|&byte| byte == 0));

    // More than passes at a time, from an odd place on, and again before it has arrived.
    let written: Vec<u8> =
        (0..(9 << 20) - 7).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    gpu.write(large, 7, &vec![9; written.len()]).unwrap();
    gpu.write(large, 7, &written).unwrap();
    gpu.write(small, 99, &[5]).unwrap();
    gpu.read(large, 0, &mut found).unwrap();
    assert!(found[..7] == [0; 7] && found[7..] == written);
    let mut last = [0; 2];
    gpu.read(small, 98, &mut last).unwrap();
    assert_eq!(last, [0, 5]);
}

#[test]
fn what_lies_beyond_a_buffer_is_refused() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let buffer = bench.buffer(100);
    bench.buffer(100);
    let mut gpu = bench.gpu(&device);
    let text = gpu.write(buffer, 98, &[0; 3]).unwrap_err().to_string();
    assert_eq!(text, "3 bytes from 98 on are not in a buffer of 100 bytes");
    assert!(gpu.read(buffer, usize::MAX, &mut [0]).is_err());
    assert!(gpu.post(buffer, 0, 101).is_err());
}

#[test]
fn more_memory_than_there_is_is_refused_with_what_was_asked_and_what_is_free() {
    let Some(device) = gpu() else { return };
    let (_, total) = free_bytes(&device).unwrap();
    let mut bench = Bench::default();
    bench.buffer(2 * total as usize);
    let device = device.as_cuda_device().unwrap();
    let text = Gpu::new(device, bench.source(), bench.buffers, None).unwrap_err().to_string();
    assert!(text.starts_with("the network needs ") && text.contains(" are free"), "{text}");
}

#[test]
fn answers_come_in_order_with_what_was_there_when_they_were_asked_for() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let buffer = bench.buffer(4096);
    let mut gpu = bench.gpu(&device);
    assert_eq!(gpu.collect(true).unwrap(), None);
    for round in 0..3 {
        for number in 0..10u8 {
            gpu.write(buffer, 0, &[round, number]).unwrap();
            gpu.post(buffer, 0, 2 + usize::from(number)).unwrap();
        }
        for number in 0..10u8 {
            let answer = loop {
                // Both ways to ask; either gives the oldest.
                if let Some(answer) = gpu.collect(number % 2 == 0).unwrap() {
                    break answer;
                }
            };
            assert_eq!((answer.len(), &answer[..2]), (2 + usize::from(number), &[round, number][..]));
        }
        assert_eq!(gpu.collect(false).unwrap(), None);
    }
}

#[test]
fn running_variances_become_scales() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let variances: Vec<f32> = numbers(1000).iter().map(|x| x * x).collect();
    let (running, scale) = (bench.buffer(4000), bench.buffer(4000));
    let args = vec![
        ("running", at(running)),
        ("scale", at(scale)),
        ("length", Arg::Int(1000)),
        ("epsilon", Arg::Float(1e-5)),
    ];
    bench.launch(("running_scale", "RunningScale"), [4, 1, 1], (256, 0), args);
    let mut gpu = bench.gpu(&device);
    gpu.write(running, 0, &bytes_of(&variances)).unwrap();
    gpu.run(&bench.program).unwrap();
    let expected = variances.iter().map(|&v| (1.0 / (f64::from(v) + f64::from(1e-5f32)).sqrt()) as f32);
    assert_eq!(read(&mut gpu, scale, 1000), expected.collect::<Vec<_>>());
}

#[test]
fn weights_are_packed_forward_and_backward() {
    let Some(device) = gpu() else { return };
    let (outputs, inputs, taps, bn) = (20usize, 37usize, 9usize, 16usize);
    let weights = numbers(outputs * inputs * taps);
    let mut bench = Bench::default();
    let length = |columns: usize, deep: usize| columns.div_ceil(bn) * deep.div_ceil(16) * taps * bn * 16;
    let (forward, backward) = (length(outputs, inputs), length(inputs, outputs));
    let (from, to) = (bench.buffer(4 * weights.len()), bench.buffer(4 * (forward + backward)));
    let row = |columns: usize, back: i32, place: usize| {
        [0, outputs, inputs, taps, bn, columns.div_ceil(bn)]
            .map(|x| x as i32)
            .into_iter()
            .chain([back, place as i32])
    };
    let rows: Vec<i32> = row(outputs, 0, 0).chain(row(inputs, 1, forward)).collect();
    let table = bench.buffer(4 * rows.len());
    let args = vec![("parameters", at(from)), ("packed", at(to)), ("table", at(table))];
    bench.launch(("pack", "Pack"), [5, 2, 1], (256, 0), args);
    let mut gpu = bench.gpu(&device);
    gpu.write(from, 0, &bytes_of(&weights)).unwrap();
    gpu.write(table, 0, &bytes_of_ints(&rows)).unwrap();
    gpu.run(&bench.program).unwrap();

    let weight = |output: usize, input: usize, tap: usize| {
        if output < outputs && input < inputs { weights[(output * inputs + input) * taps + tap] } else { 0.0 }
    };
    let mut expected = Vec::new();
    for (columns, deep, back) in [(outputs, inputs, false), (inputs, outputs, true)] {
        for (tile, chunk) in
            (0..columns.div_ceil(bn)).flat_map(|t| (0..deep.div_ceil(16)).map(move |c| (t, c)))
        {
            for tap in 0..taps {
                for (n, k) in (0..bn).flat_map(|n| (0..16).map(move |k| (n, k))) {
                    let (column, row) = (tile * bn + n, chunk * 16 + k);
                    expected.push(if back {
                        weight(row, column, taps - 1 - tap)
                    } else {
                        weight(column, row, tap)
                    });
                }
            }
        }
    }
    assert_eq!(read(&mut gpu, to, expected.len()), expected);
}

/// A program whose lanes cross: three scalings beside a loss that does not wait for them, and a last one that
/// waits for all.
fn crossing(bench: &mut Bench) -> (BufferId, BufferId, Vec<BufferId>) {
    const IMAGES: usize = 64;
    const CLASSES: usize = 10;
    let logits = bench.buffer(4 * IMAGES * CLASSES);
    let labels = bench.buffer(4 * IMAGES);
    let (losses, hits, predictions) = (bench.buffer(256), bench.buffer(256), bench.buffer(256));
    let (gradient, scaled) = (bench.buffer(4 * IMAGES * CLASSES), bench.buffer(256));
    let args = vec![
        ("logits", at(logits)),
        ("labels", at(labels)),
        ("losses", at(losses)),
        ("hits", at(hits)),
        ("predictions", at(predictions)),
        ("gradient", at(gradient)),
        ("class_weights", Arg::Nowhere),
        ("batch", Arg::Int(IMAGES as i32)),
        ("classes", Arg::Int(CLASSES as i32)),
        ("smoothing", Arg::Float(0.1)),
    ];
    bench.launch(("loss", "Loss"), [IMAGES as u32, 1, 1], (32, 0), args);
    let scale = |from: BufferId, to: BufferId| {
        vec![
            ("running", at(from)),
            ("scale", at(to)),
            ("length", Arg::Int(IMAGES as i32)),
            ("epsilon", Arg::Float(1.0)),
        ]
    };
    let kernel = ("running_scale", "RunningScale");
    let side = bench.launch(kernel, [1; 3], (256, 0), scale(losses, scaled));
    (side.lane, side.after) = (Lane::Side, vec![0]);
    bench.launch(kernel, [1; 3], (256, 0), scale(losses, losses)).after = vec![1];
    bench.launch(kernel, [1; 3], (256, 0), scale(scaled, scaled)).after = vec![1];
    bench.program.name = "crossing".into();
    (logits, labels, vec![losses, gradient, scaled])
}

#[test]
fn a_graph_gives_the_bits_of_its_launches_one_by_one_every_time() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let (logits, labels, results) = crossing(&mut bench);
    let mut gpu = bench.gpu(&device);
    gpu.write(logits, 0, &bytes_of(&numbers(640))).unwrap();
    gpu.write(labels, 0, &bytes_of_ints(&(0..64).map(|i| i % 10).collect::<Vec<_>>())).unwrap();
    let after = |gpu: &mut Gpu, plainly: bool| -> Vec<Vec<u32>> {
        let ran = if plainly { plain::run(gpu, &bench.program) } else { gpu.run(&bench.program) };
        ran.unwrap();
        let bits = |&buffer: &BufferId| read(gpu, buffer, 64).into_iter().map(f32::to_bits).collect();
        results.iter().map(bits).collect()
    };
    let expected = after(&mut gpu, true);
    for _ in 0..3 {
        assert_eq!(after(&mut gpu, false), expected);
    }
}

#[test]
fn the_loss_is_that_of_plain_arithmetic() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let (logits, labels, results) = crossing(&mut bench);
    Arc::make_mut(&mut bench.program.launches).truncate(1);
    let mut gpu = bench.gpu(&device);
    let given = numbers(640);
    gpu.write(logits, 0, &bytes_of(&given)).unwrap();
    gpu.write(labels, 0, &bytes_of_ints(&(0..64).map(|i| i % 10).collect::<Vec<_>>())).unwrap();
    gpu.run(&bench.program).unwrap();
    let (losses, gradient) = (read(&mut gpu, results[0], 64), read(&mut gpu, results[1], 640));
    for (image, row) in given.chunks_exact(10).enumerate() {
        let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let target = |k: usize| if k == image % 10 { 0.91 } else { 0.01 };
        let log = |k: usize| f64::from(row[k]) - sum.ln();
        let expected: f64 = (0..10).map(|k| -target(k) * log(k)).sum();
        assert!((f64::from(losses[image]) - expected).abs() < 1e-5, "{} {expected}", losses[image]);
        for k in 0..10 {
            let expected = (log(k).exp() - target(k)) / 64.0;
            assert!((f64::from(gradient[10 * image + k]) - expected).abs() < 1e-7);
        }
    }
}

#[test]
fn another_program_of_the_same_name_takes_the_place_of_the_first() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let (from, to) = (bench.buffer(256), bench.buffer(256));
    let args = |epsilon: f32| {
        let (length, epsilon) = (Arg::Int(1), Arg::Float(epsilon));
        vec![("running", at(from)), ("scale", at(to)), ("length", length), ("epsilon", epsilon)]
    };
    bench.launch(("running_scale", "RunningScale"), [1; 3], (256, 0), args(4.0));
    let mut gpu = bench.gpu(&device);
    gpu.run(&bench.program).unwrap();
    assert_eq!(read(&mut gpu, to, 1), [0.5]);
    Arc::make_mut(&mut bench.program.launches)[0].args = args(16.0);
    gpu.run(&bench.program).unwrap();
    assert_eq!(read(&mut gpu, to, 1), [0.25]);
}

/// A cache in memory that counts what is put there.
#[derive(Default)]
struct Kept {
    bytes: Mutex<HashMap<String, Vec<u8>>>,
    puts: AtomicUsize,
}

impl Cache for Kept {
    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.bytes.lock().unwrap().get(key).cloned()
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.puts.fetch_add(1, Ordering::Relaxed);
        self.bytes.lock().unwrap().insert(key.to_owned(), bytes.to_vec());
    }
}

#[test]
fn kernels_are_compiled_once_and_again_where_the_cache_is_torn() {
    let Some(device) = gpu() else { return };
    let mut bench = Bench::default();
    let _ = crossing(&mut bench);
    let kept = Kept::default();
    let begin = || {
        let device = device.as_cuda_device().unwrap();
        Gpu::new(device, bench.source(), bench.buffers.clone(), Some(&kept)).unwrap();
        kept.puts.load(Ordering::Relaxed)
    };
    assert_eq!((begin(), begin()), (1, 1));
    kept.bytes.lock().unwrap().values_mut().for_each(|bytes| bytes.truncate(1000));
    assert_eq!((begin(), begin()), (2, 2));
}
