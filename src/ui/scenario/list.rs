//! Every scenario, each a test of its own.

use std::collections::BTreeSet;
use std::fs;

use super::fixtures::path;
use super::frames::{COMMAND, writing};
use super::picture::{self, folder};
use super::{play, read};

macro_rules! scenarios {
    ($($name:ident)*) => {
        /// Their names.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            play(stringify!($name));
        })*
    };
}

scenarios! {
    an_action_goes_to_its_own_screen
    a_field_is_edited_after_enter
    a_full_disk_is_a_warning_and_training_goes_on
    a_card_tells_how_it_fares_while_it_trains
    a_checkpoint_is_restored_and_copied_out
    a_large_terminal_is_filled
    a_light_terminal_is_drawn_dark_on_light
    a_model_is_exported
    a_network_is_inspected
    a_network_starts_from_the_weights_of_a_file
    a_folder_shows_what_is_left_out_and_how_unequal_its_classes_are
    a_new_learning_rate_is_marked_in_the_charts
    a_picture_is_explained
    a_recipe_is_written_and_read
    a_run_goes_on_in_the_background
    a_run_is_archived_and_found_again
    a_run_is_filtered_cloned_resumed_and_deleted
    a_run_is_started_and_its_curves_grow
    a_run_that_diverged_goes_on_with_a_lower_rate
    a_signal_saves_before_it_ends_the_program
    a_sweep_is_watched_paused_and_designed
    a_small_terminal_inspects_too
    a_terminal_too_small_says_what_it_needs
    a_terminal_without_colours_or_utf_8_shows_everything
    a_wrong_value_is_told_under_its_field
    charts_are_looked_at_from_near
    classes_are_followed_from_epoch_to_epoch
    data_that_is_missing_is_downloaded
    everything_said_is_in_the_log
    groups_of_runs_have_a_mean_and_a_spread
    help_palette_and_command_line_share_the_table_of_keys
    leaving_a_run_asks_what_shall_become_of_it
    other_epochs_that_make_the_learning_rate_jump_are_asked_about
    presets_of_the_paper_fill_the_form
    recipes_wait_for_the_run_in_training
    runs_are_compared
    runs_are_points_with_a_front
    runs_differ_in_keys_side_by_side
    the_colourblind_theme_tells_curves_apart
    the_data_is_looked_at_before_training
    the_mouse_reaches_everything
    the_recipe_opens_with_its_network
    the_terminals_own_sixteen_colours_suffice
    training_is_steered_from_the_keyboard
    what_goes_wrong_is_said
}

/// Files in a folder with this end, without it.
fn stems(folder: &std::path::Path, end: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    files.filter_map(|name| name.to_str().unwrap().strip_suffix(end).map(str::to_owned)).collect()
}

/// Frames of all scenarios, or their pictures.
fn frames(pictures: bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for scenario in NAMES {
        for (frame, _) in read(scenario).frames().filter(|(_, picture)| *picture == pictures) {
            assert!(names.insert(frame.to_owned()), "{frame} is stored twice");
        }
    }
    names
}

#[test]
fn every_scenario_on_disk_is_listed() {
    let listed: BTreeSet<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(listed.len(), NAMES.len(), "a name is listed twice");
    assert_eq!(stems(&path(""), ".scenario"), listed);
}

#[test]
fn every_frame_and_picture_on_disk_comes_from_a_scenario() {
    let places = [(path("expected"), "txt", false), (folder(), "svg", true), (folder(), "png", true)];
    for (folder, end, pictures) in places {
        let wanted = frames(pictures);
        for stale in stems(&folder, &format!(".{end}")).difference(&wanted) {
            let file = folder.join(format!("{stale}.{end}"));
            assert!(writing(), "{} comes from no scenario; {COMMAND}", file.display());
            fs::remove_file(file).unwrap();
        }
        assert!(picture::SHOWN.iter().all(|name| frames(true).contains(*name)), "a picture is missing");
    }
}
