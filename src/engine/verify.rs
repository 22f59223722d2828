//! Repeats the steps of a golden file from the PyTorch peer and compares every number.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use safetensors::tensor::TensorInfo;
use serde::Deserialize;

use crate::arch::Arch;
use crate::arch::plan::Plan;
use crate::arch::words::{Connectivity, Init, StemKind};
use crate::engine::build::placed;
use crate::engine::failure::Failure;
use crate::engine::host::Source;
use crate::engine::memory::{Mode, Wanted};
use crate::engine::step::SharedOptimizer;
use crate::engine::trainer;
use crate::engine::worker::PULSE;
use crate::files;
use crate::model::{DenseNet, Implementation};
use crate::ops::batch_norm::BatchNormConfig;
use crate::ops::loss::Loss;
use crate::ops::trainer::{Epoch, Feed, OptimizerKind, State, Training};
use crate::optim::Optimizer;
use crate::protocol::event::{GroupError, Verification};
use crate::recipe::layered::excerpt;

/// Longest header that safetensors allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// A golden file; its tensors are read when they are needed.
struct Golden<'a> {
    path: &'a Path,
    file: File,
    header: HashMap<String, String>,
    infos: HashMap<String, TensorInfo>,
    /// Where the tensors begin.
    begin: u64,
}

/// What a safetensors file begins with, behind its length.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "__metadata__")]
    metadata: HashMap<String, String>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

impl<'a> Golden<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let broken = |why: String| Failure::Input(format!("{}: {why}.", path.display()));
        let unreadable = |error: io::Error| broken(format!("it cannot be read ({error})"));
        let not_golden = || broken("it is not a golden file; `densenet_torch.py golden` writes one".into());
        let mut file = files::open(path).map_err(unreadable)?;
        let mut head = Vec::new();
        file.by_ref().take(size_of::<u64>() as u64).read_to_end(&mut head).map_err(unreadable)?;
        let length = head.first_chunk().map(|length| u64::from_le_bytes(*length));
        let length = length.filter(|length| *length <= LONGEST_HEADER).ok_or_else(not_golden)?;
        head.clear();
        file.by_ref().take(length).read_to_end(&mut head).map_err(unreadable)?;
        let Head { metadata, tensors } = serde_json::from_slice(&head).map_err(|_| not_golden())?;
        let begin = size_of::<u64>() as u64 + length;
        Ok(Self { path, file, header: metadata, infos: tensors, begin })
    }

    fn fault(&self, why: impl std::fmt::Display) -> Failure {
        Failure::Input(format!("{}: {why}.", self.path.display()))
    }

    /// A value of the header.
    fn value<T: FromStr>(&self, key: &str) -> Result<T, Failure> {
        let text = self.header.get(key).ok_or_else(|| self.fault(format!("its header has no `{key}`")))?;
        text.parse().map_err(|_| {
            self.fault(format!("its header says `{key}` = `{}`, which cannot be", excerpt(text)))
        })
    }

    /// The same of a key that files from before there was a choice do not have.
    fn value_or<T: FromStr>(&self, key: &str, unsaid: T) -> Result<T, Failure> {
        if self.header.contains_key(key) { self.value(key) } else { Ok(unsaid) }
    }

    /// Type, shape and offsets of a tensor.
    fn info(&self, name: &str) -> Result<&TensorInfo, Failure> {
        self.infos.get(name).ok_or_else(|| self.fault(format!("it has no tensor `{name}`")))
    }

    fn tensor(&self, name: &str) -> Result<Tensor, Failure> {
        let TensorInfo { dtype, shape, data_offsets: (begin, end) } = self.info(name)?;
        let unusable = |why: String| self.fault(format!("its tensor `{name}` cannot be used ({why})"));
        let kind = DType::try_from(*dtype).map_err(|_| unusable(format!("it is of type {dtype}")))?;
        let length = end.checked_sub(*begin);
        if length.is_none() || length != count(shape).and_then(|n| n.checked_mul(kind.size_in_bytes())) {
            return Err(unusable(format!("its place in the file is not as large as its shape {shape:?}")));
        }
        let read = |length: usize| {
            let mut bytes = files::room(length as u64)?;
            (&self.file).seek(SeekFrom::Start(self.begin.saturating_add(*begin as u64)))?;
            (&self.file).take(length as u64).read_to_end(&mut bytes)?;
            if bytes.len() == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
        };
        let bytes = read(length.unwrap_or(0)).map_err(|error: io::Error| unusable(error.to_string()))?;
        Tensor::from_raw_buffer(&bytes, kind, shape, &Device::Cpu)
            .map_err(|error| unusable(error.to_string()))
    }

    /// Refuses a tensor that is absent or has not `n` numbers.
    fn holds(&self, name: &str, n: usize) -> Result<(), Failure> {
        let shape = &self.info(name)?.shape;
        if count(shape) == Some(n) {
            return Ok(());
        }
        Err(self.fault(format!("its tensor `{name}` has the shape {shape:?}")))
    }

    /// Refuses a file that lacks anything of what it is compared by, before a network is made or a step done: what
    /// its header says of the network and the steps is no larger than the file.
    fn check(&self, plan: &Plan, steps: usize) -> Result<(), Failure> {
        let initial =
            self.infos.iter().filter_map(|(name, of)| Some((name.strip_prefix("init.")?, &*of.shape)));
        plan.check_tensors(initial).map_err(|why| self.fault(why))?;
        let logits = self.info("images")?.shape[0].saturating_mul(plan.classes());
        for step in 0..steps {
            self.holds(&format!("logits.{step}"), logits)?;
            self.holds(&format!("loss.{step}"), 1)?;
        }
        self.holds("eval_logits", logits)?;
        for parameter in plan.rows.iter().flat_map(|row| &row.parameters) {
            self.holds(&format!("grad0.{}", parameter.name), parameter.len())?;
        }
        plan.tensors()
            .iter()
            .try_for_each(|(name, shape)| self.holds(&format!("final.{name}"), shape.iter().product()))
    }

    fn arch(&self) -> Result<(Arch, Plan), Failure> {
        let layers: String = self.value("layers")?;
        let layers = layers
            .split(',')
            .map(|n| {
                let wrong = |_| self.fault(format!("its header says `layers` = `{}`", excerpt(&layers)));
                n.trim().parse().map_err(wrong)
            })
            .collect::<Result<Vec<usize>, _>>()?;
        let &[n, 3, side, width] = self.info("images")?.shape.as_slice() else {
            return Err(self.fault("its images are not [n, 3, s, s]"));
        };
        if side != width || self.info("labels")?.shape != [n] || n == 0 {
            return Err(self.fault("its images and labels do not belong together"));
        }
        let arch = Arch {
            layers,
            growth_rate: self.value("growth_rate")?,
            connectivity: self.value_or("connectivity", Connectivity::Dense)?,
            width: self.value_or("width", 0)?,
            bottleneck: self.value("bottleneck")?,
            compression: self.value("compression")?,
            stem: self.value("stem")?,
            stem_kind: self.value_or("stem_kind", StemKind::Cifar)?,
            classes: self.value("classes")?,
            input_size: side,
        };
        let plan = arch.plan().map_err(|problem| {
            self.fault(format!("its network cannot be: {}", problem.to_string().trim_end_matches('.')))
        })?;
        if n == 1 && plan.smallest_map == 1 {
            return Err(self.fault("one image on a 1x1 feature map has no variance to normalise by"));
        }
        Ok((arch, plan))
    }

    /// The images and labels, checked against the header and the network.
    fn batch(&self, arch: &Arch, device: &Device) -> Result<(Tensor, Tensor), Failure> {
        let (images, labels) = (self.tensor("images")?, self.tensor("labels")?);
        let labels = labels.to_dtype(DType::I64)?.to_vec1::<i64>()?;
        let labels = labels
            .iter()
            .map(|&label| u32::try_from(label).ok().filter(|&label| (label as usize) < arch.classes))
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(|| self.fault("a label is not one of its classes"))?;
        let images = images.to_dtype(DType::F32)?.to_device(device)?;
        let n = labels.len();
        Ok((images, Tensor::from_vec(labels, n, device)?))
    }
}

/// Numbers in a tensor of this shape; `None` where there are more than can be counted.
fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1, |product: usize, size| product.checked_mul(*size))
}

/// The group a tensor of the file is compared in.
fn group(name: &str) -> &str {
    match name.split_once('.') {
        Some(("grad0", _)) => "grad0",
        Some(("final", rest)) if rest.contains(".running_") => "final.stats",
        Some(("final", _)) => "final.weights",
        _ => name,
    }
}

/// The smallest tolerance of a group (relative L2): its rounding in f32 may be no better.
fn floor(group: &str) -> f64 {
    match group {
        "logits.0" | "loss.0" => 1e-5,
        "eval_logits" => 1e-3,
        _ => 1e-4,
    }
}

/// Squared distance and squared length of a tensor and its truth, in f64.
fn distance(got: &Tensor, truth: &Tensor) -> candle_core::Result<(f64, f64)> {
    let values =
        |xs: &Tensor| xs.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
    let (got, truth) = (values(got)?, values(truth)?);
    let error = got.iter().zip(&truth).map(|(a, b)| (a - b).powi(2)).sum();
    Ok((error, truth.iter().map(|b| b * b).sum()))
}

/// Trains the network of the golden file at `path` for the steps it holds and compares by relative L2,
/// group by group. `batch_norm` are the constants of batch normalisation (tests spoil them).
pub fn verify(
    path: &Path,
    batch_norm: BatchNormConfig,
    arithmetic: Implementation,
    device: &Device,
) -> Result<Verification, String> {
    run(path, batch_norm, arithmetic, device, &mut |_| ()).map_err(|failure| match failure {
        Failure::Input(sentence) | Failure::Failed(sentence) => sentence,
        Failure::Interrupted(_) => "interrupted.".into(),
    })
}

/// The same; `look` is shown the network before its first step.
pub(super) fn run(
    path: &Path,
    batch_norm: BatchNormConfig,
    requested: Implementation,
    device: &Device,
    look: &mut dyn FnMut(&DenseNet),
) -> Result<Verification, Failure> {
    let golden = Golden::read(path)?;
    let (arch, plan) = golden.arch()?;
    let steps = golden.value("steps")?;
    golden.check(&plan, steps)?;
    let (images, labels) = golden.batch(&arch, device)?;
    Wanted { arch: &arch, requested, device, mode: Mode::Training }.check(labels.elem_count())?;
    let net = DenseNet::new(&arch, Init::FanOut, 0, device)?
        .with_batch_norm(batch_norm)
        .with_implementation(requested);
    let net = Arc::new(placed(net));
    look(&net);
    let initial = plan.tensors().into_keys().map(|name| {
        let tensor = golden.tensor(&format!("init.{name}"))?;
        Ok((name, tensor))
    });
    let initial = initial.collect::<Result<BTreeMap<String, Tensor>, Failure>>()?;
    net.load(&initial).map_err(|why| golden.fault(why))?;
    let kind =
        OptimizerKind::Sgd { momentum: golden.value("momentum")?, nesterov: golden.value("nesterov")? };
    let (mut got, finite) = retrace(&golden, &net, kind, steps, &images, &labels)?;
    got.extend(net.tensors().map(|(name, tensor)| (format!("final.{name}"), tensor.clone())));
    got.push(("eval_logits".into(), net.logits(&images)?));
    let verification = compare(&golden, &got)?;
    Ok(Verification { passed: verification.passed && finite, ..verification })
}

/// Tensors by the golden file's names.
type Got = Vec<(String, Tensor)>;

/// Does the steps of the golden file by the trainer of a run: logits and losses of every step, and the gradients of
/// the first. It ends with the first step that finds something that is not finite; whether none did.
fn retrace(
    golden: &Golden,
    net: &Arc<DenseNet>,
    kind: OptimizerKind,
    steps: usize,
    images: &Tensor,
    labels: &Tensor,
) -> Result<(Got, bool), Failure> {
    let (n, weight_decay) = (labels.elem_count(), golden.value("weight_decay")?);
    let optimizer = SharedOptimizer::new(Optimizer::new(kind, weight_decay, net.parameters())?);
    let training = Training {
        dropout: 0.0,
        optimizer: kind,
        weight_decay,
        loss: Loss::default(),
        batch: n,
        steps_per_epoch: steps,
        seed: 0,
        feed: Feed::Given,
    };
    let mut trainer = trainer::on(net, &optimizer, training, Source::Given(None))?;
    trainer.give(&images.flatten_all()?.to_vec1()?, &labels.to_vec1()?)?;
    trainer.begin(&Epoch {
        number: 1,
        order: Vec::new(),
        learning_rates: vec![golden.value("lr")?; steps],
        first: 0,
        step: 0,
        updates: 0,
    })?;
    let (mut got, mut finite) = (Got::new(), true);
    for step in 0..steps {
        trainer.submit(n)?;
        let result = loop {
            if let Some(result) = trainer.collect(PULSE)? {
                break result;
            }
        };
        let (logits, gradient) = trainer.last(n)?;
        let logits = Tensor::from_vec(logits, (n, net.arch().classes), &Device::Cpu)?;
        got.push((format!("logits.{step}"), logits));
        got.push((format!("loss.{step}"), Tensor::new(f64::from(result.loss), &Device::Cpu)?));
        if step == 0 {
            let mut rest = gradient.as_slice();
            for (name, var) in net.parameters() {
                let (own, behind) = rest.split_at(var.elem_count());
                rest = behind;
                got.push((format!("grad0.{name}"), Tensor::from_slice(own, var.shape(), &Device::Cpu)?));
            }
        }
        if result.failed.is_some() {
            finite = false;
            break;
        }
    }
    if let Some(State { parameters, running, .. }) = trainer.state()? {
        net.load_packed(&parameters, &running)?;
    }
    Ok((got, finite))
}

fn compare(golden: &Golden, got: &[(String, Tensor)]) -> Result<Verification, Failure> {
    let mut order: Vec<&str> = Vec::new();
    let mut sums: HashMap<&str, (f64, f64)> = HashMap::new();
    let mut worst: Option<(String, f64)> = None;
    for (name, tensor) in got {
        let truth = golden.tensor(name)?;
        if truth.elem_count() != tensor.elem_count() {
            return Err(golden.fault(format!("its tensor `{name}` has the shape {:?}", truth.dims())));
        }
        let (error, length) = distance(tensor, &truth)?;
        let group = group(name);
        if !order.contains(&group) {
            order.push(group);
        }
        let sum = sums.entry(group).or_default();
        *sum = (sum.0 + error, sum.1 + length);
        let relative = (error / length.max(1e-30)).sqrt();
        // A tensor that should be all zeros says nothing by a relative error.
        if length > 1e-20
            && worst.as_ref().is_none_or(|(_, largest)| relative > *largest || relative.is_nan())
        {
            worst = Some((name.clone(), relative));
        }
    }
    let groups = order
        .into_iter()
        .map(|group| {
            let (error, length) = sums[group];
            let own: f64 = golden.value(&format!("f32_error.{group}"))?;
            Ok(GroupError {
                group: group.to_owned(),
                error: (error / length.max(1e-30)).sqrt(),
                tolerance: floor(group).max(10.0 * own),
            })
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    // Not `error > tolerance`: a NaN must fail.
    let passed = groups.iter().all(|group| group.error <= group.tolerance);
    Ok(Verification { groups, worst, passed })
}

#[cfg(test)]
mod tests;
