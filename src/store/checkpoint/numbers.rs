//! Checks of the numbers in a checkpoint, when it is read and when it is written.

use crate::store::checkpoint::state::{Array, Meta};

/// Refuses an array with a number that is not finite, or whose shape does not fit; the error is a clause.
pub(in crate::store) fn check_array(name: &str, array: &Array) -> Result<(), String> {
    let length = array.shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
    if length != Some(array.data.len()) {
        return Err(format!(
            "its tensor `{name}` has {} numbers for the shape {:?}",
            array.data.len(),
            array.shape
        ));
    }
    if array.data.iter().all(|x| x.is_finite()) {
        Ok(())
    } else {
        Err(format!("its tensor `{name}` holds a number that is not finite"))
    }
}

/// Refuses, by name, a number that is not finite; the error is a clause.
///
/// JSON has no word for a number that is not finite, so none of these may be one.
pub(in crate::store) fn check_numbers(meta: &Meta) -> Result<(), String> {
    let progress = &meta.progress;
    let named = [
        ("loss_sum", progress.loss_sum),
        ("seconds", progress.seconds),
        ("epoch_seconds", progress.epoch_seconds),
        ("saved_at", meta.saved_at),
    ];
    let moments = meta.moments.iter().flatten().map(|x| ("moments", *x));
    match named.into_iter().chain(moments).find(|(_, x)| !x.is_finite()) {
        Some((name, number)) => Err(format!("its `{name}` is {number}, which is not finite")),
        None => Ok(()),
    }
}
