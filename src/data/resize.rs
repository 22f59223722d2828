//! Pictures in another size, byte for byte as PIL resizes them with its bilinear filter, and torchvision with it.
//!
//! The filter is a triangle, as wide as two pixels of the smaller of the two pictures, so that a picture that shrinks is
//! averaged. Columns come first, then rows; weights have 22 bits behind the point, and each pass is rounded to bytes.

use crate::data::size::{Area, Size};

/// Bits of a weight behind the point.
const BITS: u32 = 22;
const HALF: i32 = 1 << (BITS - 1);

/// The pixels of a picture in RGB.
#[derive(Clone, Copy)]
pub(crate) struct Samples<'a> {
    bytes: &'a [u8],
    size: Size,
    /// Bytes from one pixel of a row to the next: 1 in planes, 3 where colours alternate.
    step: usize,
}

impl<'a> Samples<'a> {
    /// A picture of three planes.
    pub(crate) fn planes(bytes: &'a [u8], size: Size) -> Self {
        Self { bytes, size, step: 1 }
    }

    /// A picture whose pixels are three bytes each.
    pub(crate) fn interleaved(bytes: &'a [u8], size: Size) -> Self {
        Self { bytes, size, step: 3 }
    }

    /// Row `y` of `area` in one colour; in `scratch` where it does not lie in one piece.
    fn row<'b>(&self, colour: usize, area: Area, y: usize, scratch: &'b mut Vec<u8>) -> &'b [u8]
    where
        'a: 'b,
    {
        let pixel = (area.top + y) * self.size.width + area.left;
        if self.step == 1 {
            return &self.bytes[colour * self.size.pixels() + pixel..][..area.size.width];
        }
        scratch.clear();
        let bytes = self.bytes[self.step * pixel..].iter().skip(colour).step_by(self.step);
        scratch.extend(bytes.take(area.size.width));
        scratch
    }
}

/// The `part` of what `area` of a picture becomes when it is resized to the size `to`, as planes `[3, height, width]`.
pub(crate) fn resized(picture: Samples, area: Area, to: Size, part: Area) -> Vec<u8> {
    let columns = spans(area.size.width, to.width, part.left, part.size.width);
    let rows = spans(area.size.height, to.height, part.top, part.size.height);
    let [Some(first), Some(last)] = [rows.first(), rows.last()] else { return Vec::new() };
    let (first, after, width) = (first.begin, last.begin + last.weights.len(), part.size.width);
    let mut planes = vec![0; 3 * part.size.pixels()];
    // What is left of a colour once its columns are done, of the rows that are needed.
    let (mut narrow, mut scratch, mut sums) = (vec![0; (after - first) * width], Vec::new(), vec![0; width]);
    for (colour, plane) in planes.chunks_exact_mut(part.size.pixels().max(1)).enumerate() {
        for (y, to) in (first..after).zip(narrow.chunks_exact_mut(width.max(1))) {
            let row = picture.row(colour, area, y, &mut scratch);
            for (pixel, Span { begin, weights }) in to.iter_mut().zip(&columns) {
                let products = weights.iter().zip(&row[*begin..]).map(|(w, &byte)| w * i32::from(byte));
                *pixel = byte(HALF + products.sum::<i32>());
            }
        }
        for (row, Span { begin, weights }) in plane.chunks_exact_mut(width.max(1)).zip(&rows) {
            sums.fill(HALF);
            for (weight, from) in weights.iter().zip(narrow[(begin - first) * width..].chunks_exact(width)) {
                for (sum, &byte) in sums.iter_mut().zip(from) {
                    *sum += weight * i32::from(byte);
                }
            }
            for (pixel, &sum) in row.iter_mut().zip(&sums) {
                *pixel = byte(sum);
            }
        }
    }
    planes
}

fn byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// The pixels that one pixel of the result is made of, from `begin` on.
struct Span {
    begin: usize,
    weights: Vec<i32>,
}

/// The spans of pixels `first..first + count` of a side that becomes `to` pixels long and is `from` long.
fn spans(from: usize, to: usize, first: usize, count: usize) -> Vec<Span> {
    let scale = from as f64 / to as f64;
    let reach = scale.max(1.0);
    let slope = 1.0 / reach;
    let span = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        let begin = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weight = |at: usize| (1.0 - ((at as f64 - centre + 0.5) * slope).abs()).max(0.0);
        let weights: Vec<f64> = (begin..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let whole = |weight: f64| (0.5 + weight / sum * f64::from(1 << BITS)) as i32;
        Span { begin, weights: weights.into_iter().map(whole).collect() }
    };
    (first..first + count).map(span).collect()
}

#[cfg(test)]
mod tests;
