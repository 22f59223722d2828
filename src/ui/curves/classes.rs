//! The accuracy of every class by epoch, in bounded memory.

/// Epochs that are kept at most, the newest besides.
const MOST: usize = 2000;

/// Accuracies by class of the epochs that are kept: the first, the newest and every `stride`th between.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ClassCurves {
    epochs: Vec<(usize, Vec<f32>)>,
    stride: usize,
}

impl Default for ClassCurves {
    fn default() -> Self {
        Self { epochs: Vec::new(), stride: 1 }
    }
}

impl ClassCurves {
    /// Takes in an epoch; one at or before the newest takes the place of everything from there on.
    pub(crate) fn push(&mut self, epoch: usize, accuracy: &[f64]) {
        self.epochs.retain(|(earlier, _)| *earlier < epoch);
        let first = self.epochs.first().map_or(epoch, |(first, _)| *first);
        let stride = self.stride;
        let stays = move |of: usize| (of - first).is_multiple_of(stride);
        if self.epochs.last().is_some_and(|(newest, _)| !stays(*newest)) {
            self.epochs.pop();
        }
        self.epochs.push((epoch, accuracy.iter().map(|&share| share as f32).collect()));
        if self.epochs.len() > MOST {
            self.stride *= 2;
            let stride = self.stride;
            self.epochs.retain(|(of, _)| (of - first).is_multiple_of(stride) || *of == epoch);
        }
    }

    /// Epoch and accuracies by class, oldest first.
    pub(crate) fn epochs(&self) -> &[(usize, Vec<f32>)] {
        &self.epochs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(of: &ClassCurves) -> Vec<usize> {
        of.epochs().iter().map(|(epoch, _)| *epoch).collect()
    }

    #[test]
    fn a_long_run_keeps_its_first_and_its_newest_epoch_in_bounded_memory() {
        let mut curves = ClassCurves::default();
        for epoch in 1..=10_001 {
            curves.push(epoch, &[epoch as f64]);
            assert_eq!(curves.epochs().last().unwrap(), &(epoch, vec![epoch as f32]));
        }
        let kept = epochs(&curves);
        assert!(kept.len() <= MOST && kept.len() > MOST / 2 && kept[0] == 1, "{}", kept.len());
        assert!(kept.is_sorted());
    }

    #[test]
    fn a_run_that_goes_back_to_a_checkpoint_forgets_what_came_after_it() {
        let mut curves = ClassCurves::default();
        (1..=5).for_each(|epoch| curves.push(epoch, &[0.1]));
        curves.push(3, &[0.9]);
        assert_eq!(epochs(&curves), [1, 2, 3]);
        assert_eq!(curves.epochs()[2].1, [0.9]);
    }
}
