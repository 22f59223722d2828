//! SGD with Nesterov momentum, Adam and `AdamW`, each as PyTorch computes it, with their state as named
//! tensors.
//!
//! An update is first proposed and then committed, so that a step whose result is not finite can be
//! left undone.

use std::collections::BTreeMap;

use candle_core::{Result, Tensor, Var};
use rayon::prelude::*;

use crate::ops;
use crate::ops::elements::{self, CHUNK};
use crate::ops::trainer::OptimizerKind;
use crate::recipe::{self, Recipe};

/// Adam's decay of the mean gradient (PyTorch's default, as the next two).
const BETA1: f64 = 0.9;
/// Adam's decay of the mean squared gradient.
const BETA2: f64 = 0.999;
/// Adam's ε.
const EPSILON: f64 = 1e-8;

/// The optimizer that a recipe asks for.
pub fn kind(recipe: &Recipe) -> OptimizerKind {
    match recipe.optimizer {
        recipe::Optimizer::Sgd => OptimizerKind::Sgd { momentum: recipe.momentum, nesterov: recipe.nesterov },
        recipe::Optimizer::Adam => OptimizerKind::Adam,
        recipe::Optimizer::Adamw => OptimizerKind::AdamW,
    }
}

/// The optimizer of a recipe over `parameters`, with zero state.
pub fn by_recipe<'a>(
    recipe: &Recipe,
    parameters: impl Iterator<Item = (&'a str, &'a Var)>,
) -> Result<Optimizer> {
    let optimizer = Optimizer::new(kind(recipe), recipe.weight_decay, parameters)?;
    Ok(Optimizer { head_factor: recipe.head_lr, ..optimizer })
}

/// An optimizer over a fixed list of parameters.
#[derive(Debug)]
pub struct Optimizer {
    kind: OptimizerKind,
    weight_decay: f64,
    /// What the classifier's learning rate is multiplied by.
    head_factor: f64,
    /// Updates done so far.
    steps: u64,
    names: Vec<String>,
    /// For each parameter, its slots.
    state: Vec<Vec<Tensor>>,
}

/// New weights and state, not yet taken over.
#[derive(Debug)]
pub struct Proposal {
    /// New weights of what is trained, in the order of the parameters.
    pub weights: Vec<Tensor>,
    state: Vec<Vec<Tensor>>,
}

impl Proposal {
    /// Whether every new number is finite.
    pub fn is_finite(&self) -> Result<bool> {
        for tensor in self.weights.iter().chain(self.state.iter().flatten()) {
            if !ops::is_finite(tensor)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Optimizer {
    /// An optimizer with zero state for `parameters` (name and tensor).
    pub fn new<'a>(
        kind: OptimizerKind,
        weight_decay: f64,
        parameters: impl Iterator<Item = (&'a str, &'a Var)>,
    ) -> Result<Self> {
        let (mut names, mut state) = (Vec::new(), Vec::new());
        for (name, var) in parameters {
            names.push(name.to_owned());
            state.push(kind.slots().iter().map(|_| var.as_tensor().zeros_like()).collect::<Result<_>>()?);
        }
        Ok(Self { kind, weight_decay, head_factor: 1.0, steps: 0, names, state })
    }

    /// Updates done so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The state by name: `optimizer.momentum_buffer.<parameter>` and so on.
    pub fn tensors(&self) -> impl Iterator<Item = (String, &Tensor)> {
        self.names.iter().zip(&self.state).flat_map(|(name, slots)| {
            self.kind
                .slots()
                .iter()
                .zip(slots)
                .map(move |(slot, tensor)| (format!("optimizer.{slot}.{name}"), tensor))
        })
    }

    /// Takes over the state of an optimizer after `steps` updates; the error names the first tensor that
    /// is missing or of another shape, and then nothing has changed.
    pub fn load(
        &mut self,
        tensors: &BTreeMap<String, Tensor>,
        steps: u64,
    ) -> std::result::Result<(), String> {
        let mut state = Vec::with_capacity(self.state.len());
        for (name, slots) in self.names.iter().zip(&self.state) {
            let mut loaded = Vec::with_capacity(slots.len());
            for (slot, old) in self.kind.slots().iter().zip(slots) {
                let name = format!("optimizer.{slot}.{name}");
                match tensors.get(&name) {
                    Some(tensor) if tensor.shape() == old.shape() => loaded.push(tensor.clone()),
                    Some(_) => {
                        return Err(format!("the tensor `{name}` has another shape than this network's"));
                    }
                    None => return Err(format!("the tensor `{name}` is missing")),
                }
            }
            state.push(loaded);
        }
        self.state = state;
        self.steps = steps;
        Ok(())
    }

    /// The state, slot by slot, each joined in the order of the parameters.
    pub fn numbers(&self) -> Result<Vec<Vec<f32>>> {
        let slot = |slot: usize| {
            let flat =
                self.state.iter().map(|slots| slots[slot].flatten_all()).collect::<Result<Vec<_>>>()?;
            Tensor::cat(&flat, 0)?.to_vec1()
        };
        (0..self.kind.slots().len()).map(slot).collect()
    }

    /// Takes over such a state after `steps` updates.
    pub fn load_packed(&mut self, numbers: &[Vec<f32>], steps: u64) -> Result<()> {
        let mut offset = 0;
        for slots in &mut self.state {
            let length = slots.first().map_or(0, Tensor::elem_count);
            for (tensor, numbers) in slots.iter_mut().zip(numbers) {
                *tensor = Tensor::from_slice(&numbers[offset..][..length], tensor.shape(), tensor.device())?;
            }
            offset += length;
        }
        self.steps = steps;
        Ok(())
    }

    /// What the next update would make of `weights` with `gradients` at `learning_rate`: the last of the
    /// parameters, as many as there are gradients; those before them are not trained.
    pub fn propose<'a>(
        &self,
        weights: impl Iterator<Item = &'a Var>,
        gradients: &[Tensor],
        learning_rate: f64,
    ) -> Result<Proposal> {
        let mut proposal = Proposal { weights: Vec::new(), state: Vec::new() };
        let first = self.names.len() - gradients.len();
        let trained = weights.zip(&self.names).zip(&self.state).skip(first).zip(gradients);
        for (((weight, name), slots), gradient) in trained {
            let is_head = name.starts_with("classifier.");
            let learning_rate = learning_rate * if is_head { self.head_factor } else { 1.0 };
            let weight = weight.as_detached_tensor();
            let (weight, slots) = match self.sgd_on_host(&weight, gradient, slots, learning_rate) {
                Some(updated) => updated?,
                None => self.update(&weight, gradient, slots, learning_rate)?,
            };
            proposal.weights.push(weight);
            proposal.state.push(slots);
        }
        Ok(proposal)
    }

    /// Takes over the state of a proposal; the weights are the network's to take over.
    pub fn commit(&mut self, proposal: Proposal) {
        self.state.truncate(self.names.len() - proposal.state.len());
        self.state.extend(proposal.state);
        self.steps += 1;
    }

    fn update(&self, w: &Tensor, g: &Tensor, slots: &[Tensor], lr: f64) -> Result<(Tensor, Vec<Tensor>)> {
        let decayed = || {
            if self.weight_decay == 0.0 { Ok(g.clone()) } else { g + (w * self.weight_decay)? }
        };
        match self.kind {
            OptimizerKind::Sgd { momentum, nesterov } => {
                let g = decayed()?;
                let Some(v) = slots.first() else {
                    return Ok(((w - (g * lr)?)?, Vec::new()));
                };
                let v = ((v * momentum)? + &g)?;
                let direction = if nesterov { (g + (&v * momentum)?)? } else { v.clone() };
                Ok(((w - (direction * lr)?)?, vec![v]))
            }
            OptimizerKind::Adam => self.adam(w, &decayed()?, slots, lr),
            OptimizerKind::AdamW => self.adam(&(w * (1.0 - lr * self.weight_decay))?, g, slots, lr),
        }
    }

    /// SGD with momentum in one pass over memory, with the roundings of [`Self::update`]; none for other rules and where
    /// the tensors are not on the CPU.
    fn sgd_on_host(
        &self,
        w: &Tensor,
        g: &Tensor,
        slots: &[Tensor],
        lr: f64,
    ) -> Option<Result<(Tensor, Vec<Tensor>)>> {
        let (OptimizerKind::Sgd { momentum, nesterov }, [v]) = (self.kind, slots) else { return None };
        let (decay, momentum, lr) = (self.weight_decay as f32, momentum as f32, lr as f32);
        let update = |w: f32, g: f32, v: f32| {
            let g = if decay == 0.0 { g } else { g + w * decay };
            let v = v * momentum + g;
            let direction = if nesterov { g + v * momentum } else { v };
            (w - direction * lr, v)
        };
        let (weights, velocities) = elements::with(&[w, g, v], |[w, g, v]| {
            let chunks = w.par_chunks(CHUNK).zip(g.par_chunks(CHUNK)).zip(v.par_chunks(CHUNK));
            let (mut weights, mut velocities) = (vec![0f32; w.len()], vec![0f32; w.len()]);
            let new = weights.par_chunks_mut(CHUNK).zip(velocities.par_chunks_mut(CHUNK));
            chunks.zip(new).for_each(|(((w, g), v), (weights, velocities))| {
                for ((((&w, &g), &v), weight), velocity) in
                    w.iter().zip(g).zip(v).zip(weights).zip(velocities)
                {
                    (*weight, *velocity) = update(w, g, v);
                }
            });
            (weights, velocities)
        })?;
        let tensor = |numbers: Vec<f32>| Tensor::from_vec(numbers, w.shape(), w.device());
        Some(tensor(weights).and_then(|weights| Ok((weights, vec![tensor(velocities)?]))))
    }

    /// Kingma and Ba 2015, algorithm 1.
    fn adam(&self, w: &Tensor, g: &Tensor, slots: &[Tensor], lr: f64) -> Result<(Tensor, Vec<Tensor>)> {
        let t = (self.steps + 1) as f64;
        let mean = ((&slots[0] * BETA1)? + (g * (1.0 - BETA1))?)?;
        let square = ((&slots[1] * BETA2)? + (g.sqr()? * (1.0 - BETA2))?)?;
        let root = ((square.sqrt()? / (1.0 - BETA2.powf(t)).sqrt())? + EPSILON)?;
        let step = ((&mean / root)? * (lr / (1.0 - BETA1.powf(t))))?;
        Ok(((w - step)?, vec![mean, square]))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::rng::{Purpose, Stream};

    /// The weights 1, -2, 0.5 after three updates.
    fn after_three_updates(kind: OptimizerKind) -> Vec<f32> {
        let device = &Device::Cpu;
        let weight = Var::new(&[1f32, -2.0, 0.5], device).unwrap();
        let mut optimizer = Optimizer::new(kind, 0.01, [("w", &weight)].into_iter()).unwrap();
        for gradient in [[0.1f32, -0.2, 0.3], [0.5, 0.0, -0.4], [-0.3, 0.2, 0.1]] {
            let gradients = [Tensor::new(&gradient, device).unwrap()];
            let proposal = optimizer.propose([&weight].into_iter(), &gradients, 0.1).unwrap();
            weight.set(&proposal.weights[0]).unwrap();
            optimizer.commit(proposal);
        }
        weight.to_vec1().unwrap()
    }

    /// torch 2.15: `w = tensor([1., -2., .5]); o = SGD([w], lr=.1, weight_decay=.01, ...)`, the three
    /// gradients above, `o.step()` after each.
    #[test]
    fn every_optimizer_gives_pytorchs_weights() {
        let cases = [
            (OptimizerKind::Sgd { momentum: 0.9, nesterov: true }, [0.879_358_3, -1.953_355_7, 0.482_376_8]),
            (OptimizerKind::Sgd { momentum: 0.9, nesterov: false }, [0.902_382_8, -1.954_665_7, 0.481_971_4]),
            (OptimizerKind::Sgd { momentum: 0.0, nesterov: false }, [0.967_073, -1.994_046, 0.498_521_5]),
            (OptimizerKind::Adam, [0.785_782_9, -1.823_804_4, 0.418_738_8]),
            (OptimizerKind::AdamW, [0.786_231_5, -1.835_853_9, 0.420_164_3]),
        ];
        for (kind, expected) in cases {
            let got = after_three_updates(kind);
            assert!(
                got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 3e-6),
                "{kind:?}: {got:?} is not {expected:?}"
            );
        }
    }

    #[test]
    fn one_pass_over_memory_has_the_bits_of_the_steps_one_by_one() {
        let numbers = |seed: u64| -> Vec<f32> {
            let mut stream = Stream::new(seed, Purpose::Bench, 0, 0);
            (0..CHUNK + 100).map(|_| stream.normal()).collect()
        };
        let tensor = |seed| Tensor::new(numbers(seed), &Device::Cpu).unwrap();
        let bits = |xs: &Tensor| -> Vec<u32> {
            xs.to_vec1::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
        };
        let (w, g, v) = (tensor(1), tensor(2), tensor(3));
        for (nesterov, decay) in [(true, 1e-4), (true, 0.0), (false, 0.01)] {
            let kind = OptimizerKind::Sgd { momentum: 0.9, nesterov };
            let optimizer = Optimizer::new(kind, decay, std::iter::empty()).unwrap();
            let state = std::slice::from_ref(&v);
            let (weights, slots) = optimizer.update(&w, &g, state, 0.05).unwrap();
            let (fast, fast_slots) = optimizer.sgd_on_host(&w, &g, state, 0.05).unwrap().unwrap();
            assert_eq!(
                (bits(&fast), bits(&fast_slots[0])),
                (bits(&weights), bits(&slots[0])),
                "{kind:?}, {decay}"
            );
        }
    }

    #[test]
    fn a_proposal_changes_nothing_until_it_is_committed_and_tells_an_overflow() {
        let weight = Var::new(&[1f32], &Device::Cpu).unwrap();
        let kind = OptimizerKind::Sgd { momentum: 0.9, nesterov: true };
        let optimizer = Optimizer::new(kind, 0.0, [("w", &weight)].into_iter()).unwrap();
        let gradients = [Tensor::new(&[1e38f32], &Device::Cpu).unwrap()];
        let proposal = optimizer.propose([&weight].into_iter(), &gradients, 10.0).unwrap();
        assert!(!proposal.is_finite().unwrap());
        assert_eq!(weight.to_vec1::<f32>().unwrap(), [1.0]);
        assert_eq!(optimizer.tensors().next().unwrap().1.to_vec1::<f32>().unwrap(), [0.0]);
    }
}
