//! A network on a GPU, pass by pass, for callers whose tensors are elsewhere.

use candle_core::Result;

use crate::ops::cuda::builder::ProgramBuilder;
use crate::ops::cuda::job::{Plan, Use};
use crate::ops::cuda::layout::{Layout, Statistics};
use crate::ops::cuda::machine::{Built, Clock, Machine};
use crate::ops::cuda::program::Program;
use crate::ops::dropout::Masks;
use crate::ops::passes::{BatchStatistics, Frozen, NetworkConfig, Passes};

/// The passes of a network whose weights are handed over each time. The memory is taken at the first
/// batch, and again for a larger one, for another share of dropout or where training begins.
#[derive(Debug)]
pub(in crate::ops) struct GpuNetwork {
    config: NetworkConfig,
    machine: Machine,
    built: Option<Built>,
    /// Images of the last forward pass in training mode.
    batch: usize,
}

impl GpuNetwork {
    pub(in crate::ops) fn new(config: NetworkConfig, machine: Machine) -> Self {
        Self { config, machine, built: None, batch: 0 }
    }

    /// What can run a batch of `batch` images, with these masks where it trains.
    fn ready(&mut self, batch: usize, trains: bool, masks: Option<Masks>) -> Result<&mut Built> {
        let held = self.built.as_ref().map(|built| &built.layout.plan);
        let dropout = match (trains, held) {
            (true, _) => masks.map(|masks| masks.rate),
            (false, held) => held.and_then(|plan| plan.dropout).map(|(rate, _)| f64::from(rate)),
        };
        let trains = trains || held.is_some_and(|plan| plan.purpose.trains());
        let batch = held.map_or(batch, |plan| plan.batch.max(batch));
        let purpose = if trains { Use::Passes } else { Use::Evaluation };
        let wanted = Plan::new(&self.config, batch, dropout, purpose);
        let serves = |held: &Plan| {
            held.batch == wanted.batch && held.dropout == wanted.dropout && held.purpose == wanted.purpose
        };
        if !held.is_some_and(serves) {
            // The old memory is given back before the new is taken.
            self.built = None;
            let layout = Layout::new(wanted, &[]);
            let mut programs = vec![evaluation(&layout, batch)];
            if trains {
                programs.extend([forward(&layout, batch), backward(&layout, batch)]);
            }
            self.built = Some(Built::new(layout, &programs, &self.machine)?);
        }
        match &mut self.built {
            Some(built) => Ok(built),
            None => unreachable!("it has just been built"),
        }
    }

    fn images_of(&self, images: &[f32]) -> usize {
        images.len() / (3 * self.config.net.input_size.pow(2))
    }
}

/// The batch in `given` to logits, by its own statistics.
fn forward(layout: &Layout, batch: usize) -> Program {
    let mut builder = ProgramBuilder::new(layout, batch, true);
    builder.pack();
    builder.take_in();
    builder.network();
    builder.finish(format!("forward {batch}"))
}

/// From the gradient of the logits to that of the parameters.
fn backward(layout: &Layout, batch: usize) -> Program {
    let mut builder = ProgramBuilder::new(layout, batch, true);
    builder.network_backward();
    builder.finish(format!("backward {batch}"))
}

/// The batch in `given` to logits, by running statistics.
fn evaluation(layout: &Layout, batch: usize) -> Program {
    let mut builder = ProgramBuilder::new(layout, batch, false);
    builder.pack();
    builder.running_scale();
    builder.take_in();
    builder.network();
    builder.finish(format!("evaluation {batch}"))
}

impl Passes for GpuNetwork {
    fn forward(
        &mut self,
        images: &[f32],
        parameters: &[f32],
        masks: Option<Masks>,
        frozen: Option<Frozen>,
    ) -> Result<Vec<f32>> {
        if frozen.is_some() {
            candle_core::bail!("the kernels of a GPU train whole networks, not one with a frozen beginning");
        }
        let (batch, classes) = (self.images_of(images), self.config.net.classes);
        self.batch = batch;
        let built = self.ready(batch, true, masks)?;
        let clock = masks.map_or(Clock::default(), |masks| Clock::new(masks.seed, 0, masks.step, 0));
        let layout = &built.layout;
        let (weights, given, at, logits) = (layout.parameters, layout.given, layout.clock, layout.logits);
        let program = forward(layout, batch);
        built.write(at, &[clock])?;
        built.write(weights, parameters)?;
        built.write(given, images)?;
        built.runner.run(&program)?;
        built.read(logits, batch * classes)
    }

    fn backward(&mut self, parameters: &[f32], gradient: &[f32]) -> Result<Vec<f32>> {
        let (batch, count) = (self.batch, parameters.len());
        let Some(built) = &mut self.built else {
            candle_core::bail!("there was no forward pass");
        };
        let (to, from) = (built.layout.logits_gradient, built.layout.gradient);
        let program = backward(&built.layout, batch);
        built.write(to, gradient)?;
        built.runner.run(&program)?;
        built.read(from, count)
    }

    fn evaluate(&mut self, images: &[f32], parameters: &[f32], running: &[f32]) -> Result<Vec<f32>> {
        let (batch, classes) = (self.images_of(images), self.config.net.classes);
        let built = self.ready(batch, false, None)?;
        let layout = &built.layout;
        let (weights, given, logits, means) =
            (layout.parameters, layout.given, layout.logits, layout.running);
        let program = evaluation(layout, batch);
        built.write(weights, parameters)?;
        built.write(means, running)?;
        built.write(given, images)?;
        built.runner.run(&program)?;
        built.read(logits, batch * classes)
    }

    fn statistics(&mut self) -> Result<Vec<BatchStatistics>> {
        let (batch, net) = (self.batch, self.config.net.clone());
        let Some(built) = &mut self.built else {
            candle_core::bail!("there was no forward pass");
        };
        let places = Statistics::of(&net);
        let from = built.layout.statistics;
        let pairs: Vec<[f64; 2]> = built.read(from, places.length)?;
        let of = |((at, area), &channels): ((usize, usize), &usize)| {
            let pairs = &pairs[at..][..channels];
            let column = |which: usize| pairs.iter().map(|pair| pair[which]).collect();
            (column(0), column(1), (batch * area) as f64)
        };
        Ok(places.norms(&net).into_iter().zip(&net.norms).map(of).collect())
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.built.as_ref().map_or(0, |built| built.layout.buffers.total())
    }
}
