//! A batch normalisation that follows a convolution, as part of it.

use std::collections::BTreeMap;

use crate::store::checkpoint::Array;

/// What is added to a running variance.
pub(super) const EPSILON: f64 = 1e-5;

/// The weight and the bias of the convolution `[c_out, c_in, k, k]` that does what `conv` and the normalisation `norm`
/// behind it do, from f64; the error is a clause about a number that f32 has no room for.
pub(super) fn fold(
    tensors: &BTreeMap<String, Array>,
    conv: &str,
    norm: &str,
) -> Result<(Array, Array), String> {
    let of = |name: &str| &tensors[&format!("{norm}.{name}")].data;
    let weight = &tensors[&format!("{conv}.weight")];
    let filter = weight.data.len() / weight.shape[0];
    let mut folded = Array { shape: weight.shape.clone(), data: Vec::with_capacity(weight.data.len()) };
    let mut bias = Array { shape: vec![weight.shape[0]], data: Vec::with_capacity(weight.shape[0]) };
    for (channel, filter) in weight.data.chunks_exact(filter).enumerate() {
        let at = |name| f64::from(of(name)[channel]);
        let scale = at("weight") / (at("running_var") + EPSILON).sqrt();
        folded.data.extend(filter.iter().map(|number| (f64::from(*number) * scale) as f32));
        bias.data.push((at("bias") - at("running_mean") * scale) as f32);
    }
    if folded.data.iter().chain(&bias.data).all(|number| number.is_finite()) {
        Ok((folded, bias))
    } else {
        Err(format!("`{conv}` with `{norm}` in it has a number that is not finite"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(variance: f32) -> BTreeMap<String, Array> {
        let array = |shape: &[usize], data: &[f32]| Array { shape: shape.to_vec(), data: data.to_vec() };
        [
            ("conv.weight", array(&[2, 2, 1, 1], &[1.0, 2.0, 3.0, 4.0])),
            ("norm.weight", array(&[2], &[2.0, 1.0])),
            ("norm.bias", array(&[2], &[0.5, -1.0])),
            ("norm.running_mean", array(&[2], &[3.0, 0.0])),
            ("norm.running_var", array(&[2], &[4.0, variance])),
        ]
        .map(|(name, array)| (name.to_owned(), array))
        .into()
    }

    #[test]
    fn a_folded_convolution_answers_as_both_did() {
        let tensors = tensors(0.25);
        let (weight, bias) = fold(&tensors, "conv", "norm").unwrap();
        for pixel in [[1.0f32, 0.0], [0.0, 1.0], [-2.0, 0.5]] {
            for channel in 0..2 {
                let product = |weight: &Array| {
                    let row = weight.data[2 * channel..].iter().zip(pixel);
                    row.take(2).map(|(w, x)| f64::from(*w) * f64::from(x)).sum::<f64>()
                };
                let at = |name: &str| f64::from(tensors[&format!("norm.{name}")].data[channel]);
                let both = (product(&tensors["conv.weight"]) - at("running_mean"))
                    / (at("running_var") + EPSILON).sqrt()
                    * at("weight")
                    + at("bias");
                let one = product(&weight) + f64::from(bias.data[channel]);
                assert!((one - both).abs() < 1e-6, "{pixel:?} {channel}: {one} {both}");
            }
        }
    }

    #[test]
    fn a_number_without_room_in_f32_is_named() {
        let mut tensors = tensors(0.0);
        tensors.get_mut("norm.weight").unwrap().data[1] = f32::MAX;
        let clause = fold(&tensors, "conv", "norm").unwrap_err();
        assert_eq!(clause, "`conv` with `norm` in it has a number that is not finite");
    }
}
