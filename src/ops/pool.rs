//! The two poolings of a `DenseNet`.

use candle_core::{Result, Tensor};

/// 2x2 average pool of stride 2. An odd last row or column is left out, as in PyTorch.
pub fn average(xs: &Tensor) -> Result<Tensor> {
    let (_, _, h, w) = xs.dims4()?;
    xs.narrow(2, 0, h / 2 * 2)?.narrow(3, 0, w / 2 * 2)?.contiguous()?.avg_pool2d(2)
}

/// 3x3 max pool of stride 2 and padding 1, for maps that hold no negative number (after a ReLU).
///
/// candle's own has no gradient where kernel and stride differ (huggingface/candle#1593), so this
/// takes the maximum of the nine shifted maps.
pub fn max_after_relu(xs: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = xs.dims4()?;
    let (out_h, out_w) = (h.div_ceil(2), w.div_ceil(2));
    // Rows 2i, 2i + 1 and 2i + 2 of the padded map are the window of output row i.
    let padded = xs.pad_with_zeros(2, 1, 2 * out_h + 1 - h)?.pad_with_zeros(3, 1, 2 * out_w + 1 - w)?;
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
        largest = largest.maximum(&shifted(place / 3, place % 3)?)?;
    }
    Ok(largest)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn an_average_pool_leaves_out_an_odd_last_row_and_column() {
        let xs = Tensor::arange(0f32, 15.0, &Device::Cpu).unwrap().reshape((1, 1, 3, 5)).unwrap();
        let ys = average(&xs).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(ys, [3.0, 5.0]);
    }

    #[test]
    fn a_max_pool_looks_at_three_by_three_around_every_second_pixel() {
        for side in [4usize, 5] {
            let values: Vec<f32> = (0..side * side).map(|i| ((i * 7) % 11) as f32).collect();
            let xs = Tensor::from_vec(values.clone(), (1, 1, side, side), &Device::Cpu).unwrap();
            let ys = max_after_relu(&xs).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let mut expected = Vec::new();
            for y in (0..side as isize).step_by(2) {
                for x in (0..side as isize).step_by(2) {
                    let mut best = 0f32;
                    for (dy, dx) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))) {
                        let (y, x) = (y + dy, x + dx);
                        if (0..side as isize).contains(&y) && (0..side as isize).contains(&x) {
                            best = best.max(values[y as usize * side + x as usize]);
                        }
                    }
                    expected.push(best);
                }
            }
            assert_eq!(ys, expected, "side {side}");
        }
    }
}
