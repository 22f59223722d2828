//! The two poolings of a `DenseNet`.

use candle_core::{Result, Tensor};

/// 2x2 average pool of stride 2. An odd last row or column is left out, as in PyTorch.
pub fn average(xs: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = xs.dims4()?;
    xs.narrow(2, 0, h / 2 * 2)?.narrow(3, 0, w / 2 * 2)?.contiguous()?.avg_pool2d(2)
}

/// 3x3 max pool of stride 2 and padding 1. Of equal values the first of a window, row by row, takes the gradient, as
/// in PyTorch.
///
/// candle's own has no gradient where kernel and stride differ (huggingface/candle#1593), so this
/// chooses among the nine shifted maps.
pub fn maximum(xs: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = xs.dims4()?;
    let (out_h, out_w) = (h.div_ceil(2), w.div_ceil(2));
    // Rows 2i, 2i + 1 and 2i + 2 of the padded map are the window of output row i. What pads is below any value.
    let padded = padded(&padded(xs, 2, 2 * out_h + 1 - h)?, 3, 2 * out_w + 1 - w)?;
    let split = padded.reshape((n, c, out_h + 1, 2, out_w + 1, 2))?;
    let shifted = |row: usize, column: usize| -> Result<Tensor> {
        split
            .narrow(2, row / 2, out_h)?
            .narrow(3, row % 2, 1)?
            .narrow(4, column / 2, out_w)?
            .narrow(5, column % 2, 1)?
            .reshape((n, c, out_h, out_w))
    };
    let mut largest = shifted(0, 0)?;
    for place in 1..9 {
        let next = shifted(place / 3, place % 3)?;
        largest = next.gt(&largest)?.where_cond(&next, &largest)?;
    }
    Ok(largest)
}

/// `xs` with a row (or column) of minus infinity before it along `dim`, and `behind` of them behind it.
fn padded(xs: &Tensor, dim: usize, behind: usize) -> Result<Tensor> {
    let edge = |size: usize| -> Result<Tensor> {
        let mut shape = xs.dims().to_vec();
        shape[dim] = size;
        Tensor::full(f32::NEG_INFINITY, shape, xs.device())
    };
    Tensor::cat(&[&edge(1)?, xs, &edge(behind)?], dim)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor, Var};

    use super::*;

    #[test]
    fn an_average_pool_leaves_out_an_odd_last_row_and_column() {
        let xs = Tensor::arange(0f32, 15.0, &Device::Cpu).unwrap().reshape((1, 1, 3, 5)).unwrap();
        let ys = average(&xs).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(ys, [3.0, 5.0]);
    }

    /// The largest of each window of a map `[side, side]`, and where it is; the first of equal ones.
    fn by_loops(values: &[f32], side: usize) -> Vec<(f32, usize)> {
        let steps = || (0..side as isize).step_by(2);
        let windows = steps().flat_map(|y| steps().map(move |x| (y, x)));
        let largest = |(y, x): (isize, isize)| {
            let around = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (y + dy, x + dx)));
            let inside = around.filter(|(y, x)| [y, x].iter().all(|at| (0..side as isize).contains(at)));
            let places = inside.map(|(y, x)| y as usize * side + x as usize);
            let first = |best: usize, at: usize| if values[at] > values[best] { at } else { best };
            let at = places.reduce(first).unwrap();
            (values[at], at)
        };
        windows.map(largest).collect()
    }

    fn flat(xs: &Tensor) -> Vec<f32> {
        xs.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn a_max_pool_looks_at_three_by_three_around_every_second_pixel() {
        for side in [1usize, 2, 4, 5, 7] {
            let values: Vec<f32> = (0..side * side).map(|i| ((i * 7) % 11) as f32 - 5.0).collect();
            let xs = Tensor::from_slice(&values, (1, 1, side, side), &Device::Cpu).unwrap();
            let expected: Vec<f32> =
                by_loops(&values, side).into_iter().map(|(largest, _)| largest).collect();
            assert_eq!(flat(&maximum(&xs).unwrap()), expected, "side {side}");
        }
    }

    #[test]
    fn the_first_of_equal_values_takes_all_of_a_windows_gradient() {
        for side in [4usize, 5, 8] {
            // Three values in all, zero among them as after a ReLU: most windows hold their largest twice or more.
            let values: Vec<f32> = (0..side * side).map(|i| ((i * 5 + i / side) % 3) as f32).collect();
            let xs = Var::from_slice(&values, (1, 1, side, side), &Device::Cpu).unwrap();
            let ys = maximum(&xs).unwrap();
            let weights: Vec<f32> = (1..=ys.elem_count()).map(|i| i as f32).collect();
            let weights = Tensor::from_vec(weights, ys.shape(), &Device::Cpu).unwrap();
            let gradients = (ys * &weights).unwrap().sum_all().unwrap().backward().unwrap();
            let mut expected = vec![0.0; side * side];
            for ((_, at), weight) in by_loops(&values, side).into_iter().zip(flat(&weights)) {
                expected[at] += weight;
            }
            assert_eq!(flat(gradients.get(&xs).unwrap()), expected, "side {side}");
        }
        // The same, all zero: the first inside of the map, never what pads it.
        let xs = Var::zeros((1, 1, 3, 3), DType::F32, &Device::Cpu).unwrap();
        let gradients = maximum(&xs).unwrap().sum_all().unwrap().backward().unwrap();
        assert_eq!(flat(gradients.get(&xs).unwrap()), [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
