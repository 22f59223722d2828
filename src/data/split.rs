//! Which training images validate and which train: stratified and seeded, by labels alone.

use crate::data::error::{DataError, unusable};
use crate::data::images::Images;
use crate::recipe::Recipe;
use crate::recipe::datasets::DataSet;
use crate::rng::{Purpose, Stream};

/// The images of each part, by index, in their original order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    pub(crate) validation: Vec<usize>,
}

/// Splits training images with these `labels` as `recipe` says: first validation (that of `set` where the recipe is
/// silent), then the limit.
pub(crate) fn split(labels: &[u32], recipe: &Recipe, set: &DataSet) -> Result<Split, DataError> {
    let wanted = recipe.validation.unwrap_or_else(|| set.validation_of(labels.len()));
    if wanted > 0 && wanted >= labels.len() {
        return unusable(format!(
            "`validation` = {wanted} leaves nothing of the {} training images to train on; give fewer, or 0 for none.",
            labels.len()
        ));
    }
    let all: Vec<usize> = (0..labels.len()).collect();
    let (validation, rest) = draw(labels, all, wanted, recipe.seed, Purpose::Validation);
    Ok(Split { train: limit(labels, rest, recipe)?, validation })
}

/// The images of `rest` that `train_limit` keeps.
pub(crate) fn limit(labels: &[u32], rest: Vec<usize>, recipe: &Recipe) -> Result<Vec<usize>, DataError> {
    match recipe.train_limit {
        None => Ok(rest),
        Some(limit) if limit > rest.len() => unusable(format!(
            "`train_limit` = {limit} is more than the {} training images that there are beside validation; give fewer, or leave it out.",
            rest.len()
        )),
        Some(limit) => Ok(draw(labels, rest, limit, recipe.seed, Purpose::Limit).0),
    }
}

/// The images that validate out of a folder of their own with these `labels`.
pub(crate) fn held_out(labels: &[u32], recipe: &Recipe) -> Result<Vec<usize>, DataError> {
    let all: Vec<usize> = (0..labels.len()).collect();
    match recipe.validation {
        None => Ok(all),
        Some(wanted) if wanted > all.len() => unusable(format!(
            "`validation` = {wanted} is more than the {} images in `val`; give fewer, or leave it out to use all.",
            all.len()
        )),
        Some(wanted) => Ok(draw(labels, all, wanted, recipe.seed, Purpose::Validation).0),
    }
}

/// `images` divided by [`split()`] into what trains and what validates.
pub(crate) fn divide(images: Images, recipe: &Recipe, set: &DataSet) -> Result<(Images, Images), DataError> {
    let split = split(&images.labels, recipe, set)?;
    let validation = images.subset(&split.validation);
    Ok((images.keep(&split.train), validation))
}

/// Draws `wanted` of `pool` (at most all), each class by its share: the drawn and the others, both in
/// the pool's order.
fn draw(
    labels: &[u32],
    pool: Vec<usize>,
    wanted: usize,
    seed: u64,
    purpose: Purpose,
) -> (Vec<usize>, Vec<usize>) {
    let classes = pool.iter().map(|&i| labels[i] as usize + 1).max().unwrap_or(0);
    let mut members = vec![Vec::new(); classes];
    for &i in &pool {
        members[labels[i] as usize].push(i);
    }
    let counts: Vec<usize> = members.iter().map(Vec::len).collect();
    let mut drawn = vec![false; labels.len()];
    for (class, (mut images, share)) in members.into_iter().zip(shares(&counts, wanted)).enumerate() {
        Stream::new(seed, purpose, 0, class as u32).shuffle(&mut images);
        for &i in &images[..share] {
            drawn[i] = true;
        }
    }
    pool.into_iter().partition(|&i| drawn[i])
}

/// `wanted` divided in proportion to `counts`, by largest remainder, the lower class first among equals.
fn shares(counts: &[usize], wanted: usize) -> Vec<usize> {
    let total = counts.iter().sum::<usize>().max(1) as u128;
    let exact = |count: usize| count as u128 * wanted as u128;
    let mut shares: Vec<usize> = counts.iter().map(|&count| (exact(count) / total) as usize).collect();
    let missing = wanted - shares.iter().sum::<usize>();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&class| std::cmp::Reverse(exact(counts[class]) % total));
    for &class in order.iter().take(missing) {
        shares[class] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Data;
    use crate::recipe::datasets::SHAPES;

    /// 60 images of class 0, 30 of class 1 and 10 of class 2, mixed.
    fn labels() -> Vec<u32> {
        (0..100)
            .map(|i| match i % 10 {
                0..6 => 0,
                6..9 => 1,
                _ => 2,
            })
            .collect()
    }

    fn recipe(validation: Option<usize>, train_limit: Option<usize>) -> Recipe {
        Recipe { validation, train_limit, ..Recipe::defaults(Data::Shapes) }
    }

    fn count(indices: &[usize]) -> [usize; 3] {
        let labels = labels();
        let mut counts = [0; 3];
        for &i in indices {
            counts[labels[i] as usize] += 1;
        }
        counts
    }

    #[test]
    fn validation_takes_its_share_of_each_class_and_the_limit_a_share_of_the_rest() {
        let split = split(&labels(), &recipe(Some(20), Some(40)), &SHAPES).unwrap();
        assert_eq!(count(&split.validation), [12, 6, 2]);
        assert_eq!(count(&split.train), [24, 12, 4]);
        assert!(split.train.is_sorted() && split.validation.is_sorted());
        assert!(split.train.iter().all(|i| !split.validation.contains(i)));
    }

    #[test]
    fn remainders_go_to_the_largest_so_that_the_total_is_exact() {
        assert_eq!(shares(&[60, 30, 10], 7), [4, 2, 1]);
        assert_eq!(shares(&[1, 1, 1], 2), [1, 1, 0]);
        assert_eq!(shares(&[0, 5, 0], 5), [0, 5, 0]);
        for wanted in 0..=23 {
            let shares = shares(&[11, 5, 0, 7], wanted);
            assert_eq!(shares.iter().sum::<usize>(), wanted);
            assert!(shares.iter().zip([11, 5, 0, 7]).all(|(&share, count)| share <= count));
        }
    }

    #[test]
    fn the_seed_alone_decides_which_images_are_drawn() {
        let draw = |seed, limit| {
            let recipe = Recipe { seed, ..recipe(Some(20), limit) };
            split(&labels(), &recipe, &SHAPES).unwrap()
        };
        assert_eq!(draw(1, None), draw(1, None));
        assert_ne!(draw(1, None).validation, draw(2, None).validation);
        assert_eq!(draw(1, None).validation, draw(1, Some(9)).validation);
    }

    #[test]
    fn a_silent_recipe_takes_the_default_and_zero_takes_none() {
        let ten = DataSet { validation: Some(10), ..SHAPES };
        assert_eq!(split(&labels(), &recipe(None, None), &ten).unwrap().validation.len(), 10);
        let none = split(&labels(), &recipe(Some(0), None), &ten).unwrap();
        assert_eq!((none.train.len(), none.validation.len()), (100, 0));
        assert_eq!(held_out(&labels(), &recipe(None, None)).unwrap().len(), 100);
        assert_eq!(count(&held_out(&labels(), &recipe(Some(50), None)).unwrap()), [30, 15, 5]);
    }

    #[test]
    fn asking_for_more_than_there_is_names_the_key() {
        let sentence = |validation, limit| {
            split(&labels(), &recipe(validation, limit), &SHAPES).unwrap_err().to_string()
        };
        assert!(
            sentence(Some(100), None).starts_with("`validation` = 100 leaves nothing of the 100 training")
        );
        assert!(sentence(Some(20), Some(81)).starts_with("`train_limit` = 81 is more than the 80 training"));
        let more = held_out(&labels(), &recipe(Some(101), None)).unwrap_err().to_string();
        assert!(more.starts_with("`validation` = 101 is more than the 100 images in `val`"));
    }
}
