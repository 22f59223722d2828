//! The state of the Inspect screen, on an inspection that was set by hand.

use super::*;
use crate::protocol::Figures;
use crate::protocol::event::{LayerStats, Reuse};
use crate::ui::screens::inspect::words::{images, worst};

/// Of `classes` classes with ten images each, `wrong` of which are taken for the next class.
pub(crate) fn inspection(classes: usize, wrong: usize) -> Inspection {
    let confusion = (0..classes)
        .map(|label| {
            let mut row = vec![0; classes];
            row[label] = 10 - wrong;
            row[(label + 1) % classes] += wrong;
            row
        })
        .collect();
    let mistake = |label: usize| Mistake {
        index: 100 + label,
        label,
        prediction: (label + 1) % classes,
        probability: 1.0 - 0.001 * label as f64,
        pixels: vec![label as u8; 12],
    };
    let link = |to: usize, from: usize| (from <= to).then(|| 0.01 * (10 * to + from + 1) as f64);
    let block = |block| Reuse {
        block,
        cells: (0..4).map(|to| (0..4).map(|from| link(to, from)).collect()).collect(),
    };
    let scale = |name: &str, dead| LayerStats {
        name: name.into(),
        mean: 0.5,
        deviation: 1.5,
        zeros: 0.25,
        dead,
        gradient: Some(1e-3),
    };
    Inspection {
        split: Split::Validation,
        step: 1128,
        figures: Figures { loss: 0.25, accuracy: 1.0 - wrong as f64 / 10.0 },
        classes: (0..classes).map(|class| format!("kind {class}")).collect(),
        confusion,
        side: 2,
        mistakes: if wrong > 0 { (0..classes).map(mistake).collect() } else { Vec::new() },
        reuse: vec![block(1), block(2)],
        scales: vec![scale("features", 0.0), scale("features.denseblock1.denselayer1", 0.75)],
    }
}

/// A screen that shows it.
pub(crate) fn screen(classes: usize, wrong: usize) -> InspectScreen {
    let about = Some(Target { name: "a run".into(), path: "a-run".into() });
    let mut screen = InspectScreen { about, ..InspectScreen::default() };
    screen.take(inspection(classes, wrong));
    screen
}

#[test]
fn a_cell_is_read_out_with_its_names_and_its_share_of_the_label() {
    let mut screen = screen(10, 3);
    screen.cell = (9, 0);
    assert_eq!(screen.pointed(), "kind 9 predicted as kind 0: 3 of 10 (30.0 %)");
    screen.cell = (9, 9);
    assert_eq!(screen.pointed(), "kind 9 predicted as kind 9: 7 of 10 (70.0 %)");
}

#[test]
fn a_pair_leaves_only_its_own_mistakes() {
    let mut screen = screen(10, 3);
    assert_eq!(screen.mistakes().len(), 10);
    screen.show_pair((4, 5));
    assert_eq!(screen.view, View::Mistakes);
    assert_eq!(screen.mistakes().iter().map(|of| of.index).collect::<Vec<_>>(), [104]);
    assert_eq!(screen.pointed(), "104 kind 4 kind 5 0.9960");
}

#[test]
fn the_reuse_cursor_stays_on_what_its_target_reads_and_names_who_reads_whom() {
    let mut screen = screen(10, 0);
    screen.view = View::Reuse;
    assert_eq!(screen.clamped((0, 3)), (0, 0));
    assert_eq!(screen.clamped((9, 9)), (3, 3));
    screen.link = (2, 1);
    assert_eq!(screen.pointed(), "block 1: layer 3 reads layer 1: mean |w| 0.2200");
    screen.link = (3, 0);
    assert_eq!(screen.pointed(), "block 1: the transition reads the block's input: mean |w| 0.3100");
    screen.block = 1;
    assert_eq!(screen.pointed(), "block 2: the classifier reads the block's input: mean |w| 0.3100");
}

#[test]
fn classes_stand_in_their_own_order_or_the_least_accurate_first_and_those_without_images_last() {
    let mut screen = screen(3, 0);
    let (_, found) = screen.found.as_mut().unwrap();
    found.confusion = vec![vec![9, 1, 0], vec![0, 0, 0], vec![5, 0, 5]];
    let labels = |screen: &InspectScreen| screen.classes().iter().map(|of| of.0).collect::<Vec<_>>();
    assert_eq!(labels(&screen), [0, 1, 2]);
    screen.order = Order::Worst;
    assert_eq!(labels(&screen), [2, 0, 1]);
    screen.view = View::Classes;
    screen.class = 2;
    assert_eq!(screen.pointed(), "kind 2: 5 of 10 right (50.0 %); predicted kind 0 5");
}

#[test]
fn the_pairs_that_are_confused_most_come_first() {
    let mut found = inspection(3, 0);
    found.confusion = vec![vec![9, 1, 0], vec![0, 5, 0], vec![3, 2, 5]];
    let pairs: Vec<_> = worst(&found, 2).iter().map(|of| (of.label, of.prediction, of.images)).collect();
    assert_eq!(pairs, [(2, 0, 3), (2, 1, 2)]);
    assert_eq!(images(&found), 25);
}
