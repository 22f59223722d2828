//! Training on the host: the CPU's fused network, and candle's layers on any device. One step at a time.
//!
//! A pass may take longer than a stop may, so it is computed in a thread of its own. It
//! changes nothing: the update follows when its result is collected, and a pass that is abandoned leaves the state of
//! the step before it.

use std::sync::Arc;
use std::time::Duration;

use candle_core::{Error, Result, Tensor, bail};
use crossbeam_channel::Receiver;

use crate::data::prepare::{Batch, Prepare};
use crate::data::{DataError, Images};
use crate::engine::evaluate::{look, walk};
use crate::engine::failure::Failure;
use crate::engine::loader;
use crate::engine::step::{SharedOptimizer, tensors, update};
use crate::engine::worker::{PULSE, Pending, Worker};
use crate::model::{DenseNet, Pass};
use crate::ops::dropout::Masks;
use crate::ops::trainer::{Epoch, KernelTime, Outcome, State, StepResult, Trainer, Training};

/// Where the images of a step come from.
#[derive(Debug)]
pub(super) enum Source {
    /// One batch, handed over and used for every step; absent until then.
    Given(Option<(Tensor, Tensor)>),
    /// Splits of images, the first of them to train on.
    Splits(Vec<Arc<Images>>, Box<Prepare>),
}

/// Trains `net` and `optimizer` where they are.
#[derive(Debug)]
pub(super) struct HostTrainer {
    net: Arc<DenseNet>,
    optimizer: SharedOptimizer,
    training: Training,
    source: Source,
    worker: Worker,
    /// The epoch, from its next step on.
    epoch: Epoch,
    /// Its batches.
    batches: Option<Receiver<std::result::Result<Batch, DataError>>>,
    /// The step under way.
    pending: Option<Pending<Result<Pass>>>,
    /// The last pass on a batch that was handed over.
    last: Option<Pass>,
}

impl HostTrainer {
    pub(super) fn new(
        net: Arc<DenseNet>,
        optimizer: SharedOptimizer,
        training: Training,
        source: Source,
    ) -> std::result::Result<Self, Failure> {
        let epoch =
            Epoch { number: 0, order: Vec::new(), learning_rates: Vec::new(), first: 0, step: 0, updates: 0 };
        let worker = Worker::start()?;
        Ok(Self { net, optimizer, training, source, worker, epoch, batches: None, pending: None, last: None })
    }
}

impl Trainer for HostTrainer {
    fn depth(&self) -> usize {
        1
    }

    fn load(&mut self, state: &State) -> Result<()> {
        self.net.load_packed(&state.parameters, &state.running)?;
        let mut optimizer = self.optimizer.lock();
        let steps = optimizer.steps();
        optimizer.load_packed(&state.slots, steps)
    }

    fn state(&mut self) -> Result<Option<State>> {
        Ok(None)
    }

    fn begin(&mut self, epoch: &Epoch) -> Result<()> {
        self.epoch = epoch.clone();
        let order = std::mem::take(&mut self.epoch.order);
        if let (Source::Splits(splits, prepare), false) = (&self.source, order.is_empty()) {
            let (batch, epoch) = (self.training.batch, &self.epoch);
            self.batches =
                Some(loader::batches(&splits[0], prepare, order, batch, epoch.number, epoch.first)?);
        }
        Ok(())
    }

    fn give(&mut self, images: &[f32], labels: &[u32]) -> Result<()> {
        let batch =
            Batch { images: images.to_vec(), labels: labels.to_vec(), side: self.net.arch().input_size };
        self.source = Source::Given(Some(tensors(batch, self.net.device())?));
        Ok(())
    }

    fn submit(&mut self, _: usize) -> Result<()> {
        let (net, rate, loss) = (Arc::clone(&self.net), self.training.dropout, self.training.loss.clone());
        let masks = Masks { rate, seed: self.training.seed, step: self.epoch.step };
        let masks = (rate > 0.0).then_some(masks);
        let given = match &self.source {
            Source::Given(batch) => batch.clone(),
            Source::Splits(..) => None,
        };
        let batches = self.batches.clone();
        self.pending = Some(self.worker.begin(move || {
            let (images, labels) = match (given, batches.and_then(|batches| batches.recv().ok())) {
                (Some(given), _) => given,
                (None, Some(batch)) => tensors(batch.map_err(Error::wrap)?, net.device())?,
                // The thread ends with the epoch, or with a defect that its panic has told.
                (None, None) => bail!("the thread that prepares batches ended within the epoch"),
            };
            net.pass(&images, &labels, &loss, masks)
        }));
        Ok(())
    }

    fn collect(&mut self, wait: Duration) -> Result<Option<StepResult>> {
        let Some(pass) = self.pending.as_ref().and_then(|pending| pending.take(wait)) else {
            return Ok(None);
        };
        self.pending = None;
        let pass = pass?;
        // Between the pass and the update is where several processes would average their gradients.
        let rate = self.epoch.learning_rates[self.epoch.first];
        let result = update(&self.net, &mut self.optimizer.lock(), &pass, rate)?;
        self.net.device().synchronize()?;
        self.epoch.first += 1;
        self.epoch.step += 1;
        self.last = matches!(self.source, Source::Given(_)).then_some(pass);
        Ok(Some(result))
    }

    fn evaluate(&mut self, split: usize, each: &mut dyn FnMut(usize, Option<Outcome>) -> bool) -> Result<()> {
        match &self.source {
            Source::Splits(splits, prepare) => {
                let (images, batch) = (&splits[split], self.training.batch);
                walk(&self.net, images, prepare, batch, &self.worker, &mut |begin, found| {
                    Ok(each(begin, found.map(|found| found.outcome)))
                })
            }
            Source::Given(None) => Ok(()),
            Source::Given(Some((images, labels))) => {
                let (net, images, labels) = (Arc::clone(&self.net), images.clone(), labels.clone());
                let pending = self.worker.begin(move || look(&net, &images, &labels));
                loop {
                    if let Some(found) = pending.take(PULSE) {
                        each(0, Some(found?.outcome));
                        return Ok(());
                    }
                    if !each(0, None) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn last(&mut self, _: usize) -> Result<(Vec<f32>, Vec<f32>)> {
        let Some(pass) = &self.last else { bail!("only steps on a batch that was handed over are kept") };
        let gradients = pass.gradients.iter().map(Tensor::flatten_all).collect::<Result<Vec<_>>>()?;
        Ok((pass.logits.flatten_all()?.to_vec1()?, Tensor::cat(&gradients, 0)?.to_vec1()?))
    }

    fn profile(&mut self) -> Result<Vec<KernelTime>> {
        bail!("only a GPU has kernels to time")
    }

    fn bytes(&self) -> usize {
        0
    }
}
