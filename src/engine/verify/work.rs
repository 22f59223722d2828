//! The steps of a golden file, done again.

use candle_core::{Device, Tensor};

use crate::engine::failure::Failure;
use crate::model::DenseNet;
use crate::ops::trainer::{Epoch, Feed, State, Stepped, Training};
use crate::optim::{Optimizer, Rule};

/// The steps of a golden file.
pub(super) struct Work<'a> {
    pub(super) net: &'a DenseNet,
    pub(super) images: &'a Tensor,
    pub(super) labels: &'a Tensor,
    pub(super) steps: usize,
    pub(super) rule: Rule,
    pub(super) weight_decay: f64,
    pub(super) learning_rate: f64,
}

/// Tensors by the golden file's names.
pub(super) type Got = Vec<(String, Tensor)>;

impl Work<'_> {
    /// Logits and losses of every step, and the gradients of the first.
    pub(super) fn on_host(&self) -> Result<Got, Failure> {
        let net = self.net;
        let mut optimizer = Optimizer::new(self.rule, self.weight_decay, net.parameters())?;
        let mut got = Vec::new();
        for step in 0..self.steps {
            let pass = net.pass(self.images, self.labels, 0.0, None)?;
            got.push((format!("logits.{step}"), pass.logits.clone()));
            got.push((format!("loss.{step}"), Tensor::new(pass.loss, &Device::Cpu)?));
            if step == 0 {
                let named = net.parameters().zip(&pass.gradients);
                got.extend(named.map(|((name, _), gradient)| (format!("grad0.{name}"), gradient.clone())));
            }
            let weights = net.parameters().map(|(_, var)| var);
            let proposal = optimizer.propose(weights, &pass.gradients, self.learning_rate)?;
            net.commit(&proposal.weights, &pass.statistics)?;
            optimizer.commit(proposal);
        }
        Ok(got)
    }

    /// The same by the card's own step, as training does it.
    pub(super) fn on_card(&self) -> Result<Got, Failure> {
        let (net, n) = (self.net, self.labels.elem_count());
        let training = Training {
            network: net.words(),
            dropout: 0.0,
            rule: self.rule.words(),
            weight_decay: self.weight_decay,
            smoothing: 0.0,
            batch: n,
            steps_per_epoch: self.steps,
            seed: 0,
            feed: Feed::Given,
        };
        let trainer = net.card().map(|place| place.trainer(training, &[])).transpose()?.flatten();
        let Some(mut trainer) = trainer else {
            return Err(Failure::Failed("the card does not train.".into()));
        };
        let (parameters, running) = net.numbers()?;
        let slots = Optimizer::new(self.rule, self.weight_decay, net.parameters())?.numbers()?;
        trainer.load(&State { parameters, running, slots })?;
        trainer.give(&self.images.flatten_all()?.to_vec1()?, &self.labels.to_vec1()?)?;
        trainer.begin(&Epoch {
            number: 1,
            order: Vec::new(),
            learning_rates: vec![self.learning_rate; self.steps],
            first: 0,
            step: 0,
            updates: 0,
        })?;
        let mut got = Vec::new();
        for step in 0..self.steps {
            trainer.step(n)?;
            let Some(Stepped { loss, failed: None, .. }) = trainer.collect(true)? else {
                return Err(Failure::Failed(format!(
                    "step {} found something that is not finite.",
                    step + 1
                )));
            };
            let (logits, gradient) = trainer.last(n)?;
            got.push((
                format!("logits.{step}"),
                Tensor::from_vec(logits, (n, net.arch().classes), &Device::Cpu)?,
            ));
            got.push((format!("loss.{step}"), Tensor::new(f64::from(loss), &Device::Cpu)?));
            if step == 0 {
                let mut rest = gradient.as_slice();
                for (name, var) in net.parameters() {
                    let (own, behind) = rest.split_at(var.elem_count());
                    rest = behind;
                    got.push((format!("grad0.{name}"), Tensor::from_slice(own, var.shape(), &Device::Cpu)?));
                }
            }
        }
        let State { parameters, running, .. } = trainer.state()?;
        net.set_numbers(&parameters, &running)?;
        Ok(got)
    }
}
