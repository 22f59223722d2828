//! The end of a step: batch_norm of optimizers, running statistics, and what happens when something is not finite.

use super::numbers::*;
use super::*;

const COUNT: usize = 700;
const RUNNING: usize = 300;
const BATCH: usize = 5;
const BLOCKS: usize = 2;
const MOMENTUM: f32 = 0.9;
const DECAY: f32 = 0.01;

/// A step over some numbers, and where everything lies.
struct Step {
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    losses: Vec<f32>,
    statistics: Vec<f64>,
    /// Of the steps before.
    failed: i32,
}

#[derive(Clone, Copy)]
struct Places {
    parameters: Address,
    first: Address,
    second: Address,
    running: Address,
    clock: Address,
    result: Address,
}

const RATES: [f32; 6] = [9.0, 9.0, 9.0, 0.125, 0.25, 0.5];
const HITS: [i32; BATCH] = [1, 0, 1, 1, 0];

fn running() -> Vec<f32> {
    normal(8, RUNNING).iter().map(|x| x.abs()).collect()
}

/// Pairs: the places in reverse, every second a variance of maps of 3 pixels.
fn sources() -> Vec<i32> {
    (0..RUNNING).flat_map(|at| [(RUNNING - 1 - at) as i32, if at % 2 == 1 { 3 } else { 0 }]).collect()
}

impl Step {
    fn new() -> Self {
        Self {
            parameters: normal(1, COUNT),
            gradient: normal(2, COUNT),
            first: normal(3, COUNT),
            second: normal(4, COUNT).iter().map(|x| x.abs()).collect(),
            losses: normal(5, BATCH),
            statistics: normal(6, RUNNING).iter().map(|&x| f64::from(x.abs())).collect(),
            failed: 0,
        }
    }

    fn launch(&self, bench: &mut Bench, rule: &str) -> Places {
        let places = Places {
            parameters: bench.floats(&self.parameters),
            first: bench.floats(&self.first),
            second: bench.floats(&self.second),
            running: bench.floats(&running()),
            clock: bench.ints(&[9, 5, 1, 0, -1, 3, 1, self.failed]),
            result: bench.ints(&[9; 4]),
        };
        let flags = bench.ints(&[9; BLOCKS]);
        let slots = match rule {
            "SGD" => [None, None],
            "ADAM" | "ADAMW" => [Some(places.first), Some(places.second)],
            _ => [Some(places.first), None],
        };
        let args = args! {
            parameters: places.parameters, gradient: bench.floats(&self.gradient), first_slot: slots[0],
            second_slot: slots[1], running: places.running, statistics: bench.doubles(&self.statistics),
            sources: bench.ints(&sources()), rates: bench.floats(&RATES), clock: places.clock, flags: flags,
            verdict: bench.ints(&[9]), losses: bench.floats(&self.losses), hits: bench.ints(&HITS),
            result: places.result, parameters_count: COUNT, running_count: RUNNING, batch: BATCH, blocks: BLOCKS,
            momentum: MOMENTUM, weight_decay: DECAY, running_momentum: 0.1f32,
        };
        let (many, one) = ([BLOCKS, 1, 1], [1, 1, 1]);
        bench.launch(format!("check<{rule}>"), "Update", (many, 256, 1024), args.clone());
        bench.launch("judge", "Update", (one, 128, 128 * 16), args.clone());
        bench.launch(format!("commit<{rule}>"), "Update", (many, 256, 0), args.clone());
        bench.launch("advance", "Update", (one, 1, 0), args);
        places
    }

    /// The weight and its state after the step.
    fn after(&self, rule: &str, at: usize) -> [f64; 3] {
        let of = |numbers: &[f32]| f64::from(numbers[at]);
        let (w, v, s) = (of(&self.parameters), of(&self.first), of(&self.second));
        let (mu, decay, rate) = (f64::from(MOMENTUM), f64::from(DECAY), f64::from(RATES[3]));
        let g = of(&self.gradient) + if rule == "ADAMW" { 0.0 } else { decay * w };
        match rule {
            "SGD" => [w - rate * g, v, s],
            "MOMENTUM" => [w - rate * (mu * v + g), mu * v + g, s],
            "NESTEROV" => [w - rate * (g + mu * (mu * v + g)), mu * v + g, s],
            _ => {
                let (mean, square) = (0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g * g);
                let by = f64::from(RATES[4]) * mean / (square.sqrt() / f64::from(RATES[5]) + 1e-8);
                [if rule == "ADAMW" { w - rate * decay * w } else { w } - by, mean, square]
            }
        }
    }
}

#[test]
fn every_rule_changes_weights_state_running_statistics_and_the_clock() {
    let mut bench = Bench::new(Precision::F32);
    for rule in ["SGD", "MOMENTUM", "NESTEROV", "ADAM", "ADAMW"] {
        let step = Step::new();
        let places = step.launch(&mut bench, rule);
        bench.check(move |ran| {
            let expected: Vec<[f64; 3]> = (0..COUNT).map(|at| step.after(rule, at)).collect();
            for (number, place) in [places.parameters, places.first, places.second].into_iter().enumerate() {
                let expected: Vec<f64> = expected.iter().map(|numbers| numbers[number]).collect();
                close(&ran.floats(place), &expected, Precision::F32, rule);
            }
            let (found, before, sources) = (ran.floats(places.running), running(), sources());
            for at in 0..RUNNING {
                let mut measured = step.statistics[sources[2 * at] as usize];
                if sources[2 * at + 1] > 0 {
                    measured *= 15.0 / 14.0;
                }
                let expected = 0.9 * f64::from(before[at]) + 0.1 * measured;
                assert!((f64::from(found[at]) - expected).abs() < 1e-6, "{at}: {} {expected}", found[at]);
            }
            // The low word of the step had reached its end.
            assert_eq!(ran.ints(places.clock), [9, 5, 1, 0, 0, 4, 2, 0]);
            let mean = step.losses.iter().map(|&x| f64::from(x)).sum::<f64>() / BATCH as f64;
            assert_eq!(ran.floats(places.result)[0], mean as f32);
            assert_eq!(ran.ints(places.result)[1..], [3, 0, 1]);
        });
    }
    bench.run();
}

/// Makes something not finite.
type Spoil = fn(&mut Step);

#[test]
fn a_step_in_which_anything_is_not_finite_changes_nothing_and_says_what() {
    let mut bench = Bench::new(Precision::F32);
    let cases: [(&str, i32, Spoil); 7] = [
        ("the last gradient", 2, |step| step.gradient[COUNT - 1] = f32::NAN),
        ("a gradient without bound", 2, |step| step.gradient[3] = f32::NEG_INFINITY),
        ("a loss", 1, |step| step.losses[4] = f32::INFINITY),
        ("a loss and a gradient", 1, |step| (step.losses[0], step.gradient[0]) = (f32::NAN, f32::NAN)),
        ("a weight", 3, |step| (step.parameters[256], step.gradient[256]) = (-3.4e38, 3e38)),
        ("a statistic", 2, |step| step.statistics[RUNNING - 1] = f64::NAN),
        ("a step before", 2, |step| step.failed = 2),
    ];
    for rule in ["SGD", "NESTEROV", "ADAMW"] {
        for (what, failed, spoil) in cases {
            let mut step = Step::new();
            spoil(&mut step);
            if rule == "ADAMW" && what == "a weight" {
                // Its step is bounded; the square is not.
                step.gradient[256] = 1e25;
            }
            let places = step.launch(&mut bench, rule);
            bench.check(move |ran| {
                let same = |place, before: &[f32]| {
                    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&ran.floats(place)), bits(before), "{rule}: {what}");
                };
                same(places.parameters, &step.parameters);
                same(places.first, &step.first);
                same(places.second, &step.second);
                same(places.running, &running());
                assert_eq!(ran.ints(places.clock), [9, 5, 1, 0, -1, 3, 1, failed], "{rule}: {what}");
                assert_eq!(ran.ints(places.result)[1..], [3, failed, 1], "{rule}: {what}");
            });
        }
    }
    bench.run();
}
