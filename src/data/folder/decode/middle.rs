//! What is kept of a picture where its pixels are to be those of torchvision.

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use crate::data::folder::decode::pixels::Picture;
use crate::data::keep::{Kept, LONGEST};
use crate::data::resize::{Samples, resized};
use crate::data::size::{Area, Size};

/// The middle of `side` x `side` after the shorter side has become `shorter` long.
pub(super) fn middle(picture: Picture, shorter: usize, side: usize) -> Kept {
    let (rgb, all) = upright(picture);
    let to = all.size.with_shorter(shorter);
    fit(&rgb, all, to, Area::middle(to, Size::square(side)))
}

/// All of a picture, its shorter side at most `shorter` long; of a very long one the middle.
pub(super) fn whole(picture: Picture, shorter: usize) -> Kept {
    let (rgb, Area { size, .. }) = upright(picture);
    let most = LONGEST * size.shorter();
    let kept = Size { width: size.width.min(most), height: size.height.min(most) };
    let to = if size.shorter() > shorter { kept.with_shorter(shorter) } else { kept };
    fit(&rgb, Area::middle(size, kept), to, Area::all(to))
}

/// The `part` of what `area` of `rgb` becomes in the size `to`.
fn fit(rgb: &RgbImage, area: Area, to: Size, part: Area) -> Kept {
    let planes = resized(Samples::interleaved(rgb.as_raw(), size_of(rgb)), area, to, part);
    Kept { size: part.size, planes }
}

/// A picture as it is to be seen. Turned before it is resized, as whoever turns pictures for torchvision does.
pub(super) fn upright(picture: Picture) -> (RgbImage, Area) {
    let Picture { rgb, orientation } = picture;
    let rgb = if orientation == Orientation::NoTransforms {
        rgb
    } else {
        let mut turned = DynamicImage::ImageRgb8(rgb);
        turned.apply_orientation(orientation);
        turned.into_rgb8()
    };
    let all = Area::all(size_of(&rgb));
    (rgb, all)
}

fn size_of(rgb: &RgbImage) -> Size {
    Size { width: rgb.width() as usize, height: rgb.height() as usize }
}
