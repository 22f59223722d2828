//! The ten shapes as signed distances: below 0 inside, 0 on the edge, in units of the radius.
//!
//! Each takes a point with the shape's middle at the origin, x to the right and y down, and reaches
//! about 1 in its longest direction.

/// A signed distance.
type Figure = fn([f32; 2]) -> f32;

/// Class names and shapes, by label.
pub(crate) const FIGURES: [(&str, Figure); 10] = [
    ("disc", |p| length(p) - 0.85),
    ("ring", |p| (length(p) - 0.74).abs() - 0.17),
    ("square", |p| rectangle(p, [0.74, 0.74])),
    ("frame", |p| rectangle(p, [0.8, 0.8]).max(-rectangle(p, [0.46, 0.46]))),
    ("triangle", |[x, y]| triangle([x, y - 0.2])),
    ("plus", plus),
    ("cross", |[x, y]| plus([(x + y) * HALF_ROOT, (x - y) * HALF_ROOT])),
    ("star", star),
    ("arrow left", arrow),
    ("arrow right", |[x, y]| arrow([-x, y])),
];

/// √2 / 2.
const HALF_ROOT: f32 = std::f32::consts::FRAC_1_SQRT_2;

fn length([x, y]: [f32; 2]) -> f32 {
    (x * x + y * y).sqrt()
}

/// An upright rectangle around the origin, by half its sides.
fn rectangle([x, y]: [f32; 2], half: [f32; 2]) -> f32 {
    (x.abs() - half[0]).max(y.abs() - half[1])
}

/// Two bars, crossing upright.
fn plus(p: [f32; 2]) -> f32 {
    rectangle(p, [0.95, 0.24]).min(rectangle(p, [0.24, 0.95]))
}

/// An equilateral triangle that stands on its base.
fn triangle([x, y]: [f32; 2]) -> f32 {
    const SLANT: [f32; 2] = [0.866_025_4, 0.5];
    y.max(SLANT[0] * x.abs() - SLANT[1] * y) - 0.5
}

/// Five points, one up.
fn star([x, y]: [f32; 2]) -> f32 {
    /// Sine and cosine of a fifth of a turn, and of two fifths.
    const POINTS: [[f32; 2]; 5] = [
        [0.0, -1.0],
        [0.951_056_5, -0.309_017],
        [-0.951_056_5, -0.309_017],
        [0.587_785_25, 0.809_017],
        [-0.587_785_25, 0.809_017],
    ];
    /// Outward normal of the edge from a point (1, 0) to the notch at 0.42 after a tenth of a turn.
    const NORMAL: [f32; 2] = [0.350_2, 0.936_7];
    // Seen from the nearest point of the star, the edge is one line.
    let mut along = f32::MIN;
    let mut across = 0.0;
    for [right, down] in POINTS {
        let projection = x * right + y * down;
        if projection > along {
            (along, across) = (projection, (x * down - y * right).abs());
        }
    }
    NORMAL[0] * (along - 1.0) + NORMAL[1] * across
}

/// An arrow to the left: a head as wide as it is long, and a shaft.
fn arrow([x, y]: [f32; 2]) -> f32 {
    let head = (x - 0.05).max(HALF_ROOT * (y.abs() - x - 0.95));
    head.min(rectangle([x - 0.45, y], [0.5, 0.27]))
}
