//! The colours of evidence.

/// Evidence for a class, and against it.
const FOR: [f32; 3] = [213.0, 94.0, 0.0];
const AGAINST: [f32; 3] = [0.0, 114.0, 178.0];
/// How much of the strongest colour covers the picture.
const DENSEST: f32 = 0.8;
/// How much of its own colours the picture keeps.
const KEPT: f32 = 0.15;
/// What the network does not see is so much darker.
const UNSEEN: f32 = 0.45;

/// The colour of `share` of the strongest evidence, from -1 to 1, over grey.
pub fn shade(share: f32) -> [u8; 3] {
    mixed([128; 3], Some(share))
}

/// A pixel under `share` of the strongest evidence, from -1 to 1; beside the map without.
pub(super) fn mixed(pixel: [u8; 3], share: Option<f32>) -> [u8; 3] {
    let own = pixel.map(f32::from);
    // The luminance of Rec. 601, as PIL has it.
    let grey = 0.299 * own[0] + 0.587 * own[1] + 0.114 * own[2];
    let base = own.map(|value| grey + (value - grey) * KEPT);
    let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
    let Some(share) = share else { return base.map(|value| byte(UNSEEN * value)) };
    let (colour, density) = (if share < 0.0 { AGAINST } else { FOR }, DENSEST * share.abs().min(1.0));
    std::array::from_fn(|c| byte(base[c] + (colour[c] - base[c]) * density))
}
