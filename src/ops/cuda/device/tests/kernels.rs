//! Every kernel compiles, for the oldest GPU and for those with matrix units.

use super::*;

/// An instance of every kernel, templates in shapes that differ in what the compiler makes of them.
fn source(precision: Precision) -> Source {
    let mut bench = Bench::default();
    let mut add = |kernel: &str, takes: &'static str| {
        bench.launch((kernel, takes), [1; 3], (32, 0), Vec::new());
    };
    for (rows, last, window) in [("2, 4", 48, "1, 4, 32, 32"), ("1, 2", 32, "2, 4, 4, 4")] {
        for (first, second) in [(false, true), (true, false)] {
            add(&format!("pointwise_forward<{rows}, {last}, {first}, {second}, true>"), "PointwiseForward");
            add(&format!("pointwise_backward<{rows}, {last}, {first}, {second}>"), "PointwiseBackward");
            add(&format!("pointwise_weights<{rows}, {last}, {first}, {second}>"), "PointwiseWeights");
            add(&format!("conv3_forward<{rows}, 16, {window}, {first}, {second}, true>"), "Conv3Forward");
            add(&format!("conv3_weights<2, 16, {window}, {first}, {second}>"), "Conv3Weights");
        }
        for (place, dropout) in [("STORE", false), ("ADD", true)] {
            add(&format!("conv3_backward<{rows}, {last}, {window}, {place}, {dropout}>"), "Conv3Backward");
        }
    }
    for (kernel, takes) in [
        ("pointwise_forward<1, 4, 48, false, false, false>", "PointwiseForward"),
        ("conv3_forward<1, 4, 16, 1, 4, 16, 16, false, false, false>", "Conv3Forward"),
        ("pool", "Pool"),
        ("join_moments", "JoinMoments"),
        ("join_sums<TAKEN>", "JoinSums"),
        ("join_sums<LEFT>", "JoinSums"),
        ("join_sums<LEFT_FIRST>", "JoinSums"),
        ("join_weights", "JoinWeights"),
        ("average", "Average"),
        ("average_backward", "AverageBackward"),
        ("classify", "Classify"),
        ("classify_weights", "ClassifyBackward"),
        ("classify_input", "ClassifyBackward"),
        ("loss", "Loss"),
        ("take_in", "TakeIn"),
        ("augment", "Augment"),
        ("pack", "Pack"),
        ("running_scale", "RunningScale"),
        ("judge", "Update"),
        ("advance", "Update"),
    ] {
        add(kernel, takes);
    }
    for rule in ["SGD", "MOMENTUM", "NESTEROV", "ADAM", "ADAMW"] {
        add(&format!("check<{rule}>"), "Update");
        add(&format!("commit<{rule}>"), "Update");
    }
    Source::new(precision, [&bench.program])
}

/// Compiles for `arch` in each of `precisions`, and finds every entry in what comes out.
fn compiles(arch: &str, precisions: &[Precision]) {
    for &precision in precisions {
        let source = source(precision);
        let image =
            compile_for(&source, arch).unwrap_or_else(|error| panic!("{arch}, {precision:?}: {error}"));
        assert!(image.starts_with(b"\x7fELF"), "{arch}, {precision:?}: no machine code");
        for entry in source.entries() {
            let section = format!(".text.{entry}\0");
            let found = image.windows(section.len()).any(|window| window == section.as_bytes());
            assert!(found, "{arch}, {precision:?}: {entry} is missing");
        }
    }
}

#[test]
fn every_kernel_compiles_for_the_oldest_gpus_in_f32() {
    compiles("sm_75", &[Precision::F32]);
}

#[test]
fn every_kernel_compiles_for_gpus_with_matrix_units_in_every_precision() {
    compiles("sm_80", &[Precision::F32, Precision::Tf32, Precision::Bf16]);
}

#[test]
fn every_kernel_compiles_for_large_gpus_in_every_precision() {
    compiles("sm_90", &[Precision::F32, Precision::Tf32, Precision::Bf16]);
}

#[test]
fn what_does_not_compile_is_told_in_the_compilers_words() {
    let mut bench = Bench::default();
    bench.launch(("no_such_kernel", "Pool"), [1; 3], (32, 0), Vec::new());
    let text = compile_for(&bench.source(), "sm_90").unwrap_err().to_string();
    assert!(text.starts_with("the kernels do not compile for sm_90"), "{text}");
    assert!(text.contains("no_such_kernel"), "{text}");
}
