//! The Data screen, on a preview that was set by hand.

use crate::protocol::Command;
use crate::protocol::event::{Phase, Preview, Sample};
use crate::recipe::{Data, Recipe};
use crate::ui::effect::Effect;
use crate::ui::keys::binding::Motion;
use crate::ui::screen::Screen;
use crate::ui::screens::asked::Asked;
use crate::ui::screens::data::state::DataScreen;
use crate::ui::style::colours::ColourLevel;
use crate::ui::testing::{drawn, workspace};
use crate::ui::workspace::Workspace;
use crate::ui::workspace::draft::Draft;

fn new(data: Data, level: ColourLevel) -> (DataScreen, Workspace) {
    let mut ws = workspace(level, level != ColourLevel::None);
    ws.draft = Draft::new(&Recipe::defaults(data));
    (DataScreen::default(), ws)
}

fn preview(classes: usize, samples: usize) -> Preview {
    let sample = |index: usize| Sample { label: index % classes, before: vec![9; 12], after: vec![99; 12] };
    Preview {
        classes: (0..classes).map(|class| format!("kind {class}")).collect(),
        class_counts: (0..classes).map(|class| 1000 * (class + 1)).collect(),
        validation_images: 500,
        test_images: 1000,
        mean: [125.31, 122.95, 113.87],
        deviation: [62.99, 62.09, 66.7],
        side: 2,
        notes: vec!["three files of other kinds were passed over.".into()],
        samples: (0..samples).map(sample).collect(),
    }
}

/// A screen that shows it.
fn with(preview: Preview, level: ColourLevel) -> (DataScreen, Workspace) {
    let (mut screen, mut ws) = new(Data::Cifar10, level);
    screen.about = Some(Box::new(ws.draft.recipe.clone()));
    screen.take(preview, &mut ws);
    (screen, ws)
}

fn is_preview(effects: &[Effect]) -> bool {
    matches!(effects, [Effect::Command(command)] if matches!(**command, Command::Ask { question: crate::protocol::Question::Preview { .. }, .. }))
}

#[test]
fn counts_shares_and_moments_are_written_out() {
    let text = {
        let (screen, ws) = with(preview(3, 8), ColourLevel::None);
        drawn(&screen, &ws, 80, 21)
    };
    for part in ["6,000 training images", "500 for validation", "1,000 for the test", "3 classes, 2x2 pixels"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("kind 2") && text.contains("3,000  50.0%"), "{text}");
    assert!(text.contains("125.31") && text.contains("66.70"), "{text}");
    assert!(text.contains("three files of other kinds"), "{text}");
    assert!(text.contains("0 kind 0"), "{text}");
}

#[test]
fn built_in_images_are_read_when_the_screen_is_entered_the_first_time_and_others_when_asked() {
    let (mut screen, mut ws) = new(Data::Shapes, ColourLevel::None);
    assert!(is_preview(&screen.shown(&mut ws)));
    assert!(screen.shown(&mut ws).is_empty(), "once");
    let (mut screen, mut ws) = new(Data::Cifar10, ColourLevel::None);
    assert!(screen.shown(&mut ws).is_empty());
    assert!(drawn(&screen, &ws, 80, 21).contains("enter reads cifar10"));
    assert!(is_preview(&screen.moved(Motion::Enter, &mut ws).unwrap()));
    assert!(drawn(&screen, &ws, 80, 21).contains("waiting for the engine"));
    ws.live.monitor.phase = Some((Phase::Loading, 1200, 50_000));
    assert!(drawn(&screen, &ws, 80, 21).contains("reading the images: 1,200 of 50,000."));
    screen.asked = Asked { awaited: None, trouble: Some("there is no folder.".into()) };
    assert!(drawn(&screen, &ws, 80, 21).contains("not read: there is no folder."));
}

#[test]
fn a_recipe_that_changed_since_is_told() {
    let (mut screen, mut ws) = with(preview(3, 8), ColourLevel::None);
    assert!(!drawn(&screen, &ws, 80, 21).contains("has changed"));
    ws.draft.recipe.seed += 1;
    assert!(drawn(&screen, &ws, 80, 21).contains("the recipe has changed since; enter reads its data."));
    assert!(is_preview(&screen.moved(Motion::Enter, &mut ws).unwrap()));
}

#[test]
fn the_cursor_walks_over_all_samples_and_no_further() {
    let (mut screen, mut ws) = with(preview(3, 8), ColourLevel::None);
    for motion in [Motion::Down, Motion::Right, Motion::PageDown, Motion::Bottom] {
        (0..30).for_each(|_| _ = screen.moved(motion, &mut ws));
        assert!(screen.row < 8);
    }
    assert_eq!(screen.row, 7);
    for motion in [Motion::Up, Motion::PageUp, Motion::Left, Motion::Top] {
        (0..30).for_each(|_| _ = screen.moved(motion, &mut ws));
    }
    assert_eq!(screen.row, 0);
}

#[test]
fn no_size_of_screen_goes_wrong() {
    for (classes, samples) in [(2, 0), (10, 48), (100, 5)] {
        for level in [ColourLevel::None, ColourLevel::C16, ColourLevel::True] {
            let (mut screen, mut ws) = with(preview(classes, samples), level);
            screen.row = samples.saturating_sub(1);
            for (width, height) in
                [(1, 1), (3, 2), (20, 5), (60, 13), (80, 21), (131, 40), (200, 57), (200, 1)]
            {
                drawn(&screen, &ws, width, height);
                ws.draft.recipe.seed += 1;
            }
        }
    }
}
