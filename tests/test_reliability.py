"""Each row of numbers, window, application and reliability names tests that hold it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = {
    "N1": (
        "core/results/test_latency.py::test_a_noisy_measurement_has_no_factor_anywhere",
        "app/test_verdicts.py::test_no_surface_shows_a_factor",
        "app/test_verdicts.py::test_panes_say_the_verdict",
    ),
    "N2": (
        "core/benchmark/test_calibration.py::"
        "test_window_and_sweep_give_the_same_number",
        "core/benchmark/test_calibration.py::"
        "test_another_tile_is_judged_by_the_model_as_it_is",
    ),
    "N3": (
        "core/benchmark/test_explain.py::"
        "test_every_stage_of_both_networks_is_timed_on_the_real_thing",
    ),
    "N4": (
        "app/test_verdicts.py::test_before_a_measurement_there_is_a_ratio_and_no_time",
        "app/test_verdicts.py::test_noise_changes_no_prediction",
        "app/test_verdicts.py::test_one_dense_latency_for_all_points",
    ),
    "N5": (
        "app/test_views.py::test_bars_say_all_three_counts",
        "core/benchmark/test_bench.py::test_trace_does_not_depend_on_the_tile",
    ),
    "N6": ("core/metrics/test_changes.py::test_every_nucleus_has_one_fate",),
    "N7": (
        "core/benchmark/test_sanity.py::test_a_card_says_how_types_were_learned",
        "app/test_demo.py::"
        "test_types_that_are_a_guess_are_named_and_not_shown_to_an_audience",
    ),
    "N8": (
        "core/benchmark/test_sanity.py::test_spoiled_tiles_get_one",
        "core/benchmark/test_sanity.py::test_samples_get_no_word",
    ),
    "N9": ("core/benchmark/test_sanity.py::test_models_with_random_weights_say_so",),
    "U1": (
        "app/test_window.py::"
        "test_results_of_other_settings_are_marked_while_the_worker_is_busy",
        "app/test_window.py::test_sizes_speed_and_widths_follow_the_slider_at_once",
    ),
    "U2": (
        "app/test_window.py::"
        "test_what_is_opened_leaves_nothing_of_the_old_tile_on_show",
        "app/test_visible.py::test_what_is_on_screen_of_a_small_tile_comes_first",
    ),
    "U3": (
        "app/test_finetune.py::test_stop_keeps_the_best_weights_shows_them_and_goes_on",
        "app/test_finetune.py::test_exploring_says_what_it_trains_and_stop_ends_all",
    ),
    "U4": (
        "app/test_advanced.py::test_a_button_of_advice_acts",
        "app/test_advanced.py::test_a_number_of_the_advanced_section_is_asked_for",
        "app/test_advanced.py::test_ratios_are_typed_and_come_from_a_file",
    ),
    "U5": (
        "app/test_sessions.py::"
        "test_a_killed_window_comes_back_and_a_closed_one_without_a_word",
        "app/test_start.py::test_a_signal_saves_and_ends",
    ),
    "U6": (
        "app/test_layout.py::test_the_window_fits_every_screen",
        "app/test_layout.py::test_text_is_larger_on_a_screen_that_is_not_scaled",
    ),
    "U7": (
        "app/test_layout.py::test_nothing_moves_under_the_pointer",
        "app/test_layout.py::test_the_form_of_a_training_moves_no_control",
        "app/test_tile_folder.py::test_order_waits_while_the_pointer_is_over_the_tiles",
    ),
    "U8": (
        "app/test_demo.py::test_the_story_leaves_the_settings_alone",
        "app/test_demo.py::test_an_audience_sees_the_pictures_first",
        "app/test_reading.py::test_the_result_in_words",
    ),
    "U9": (
        "app/test_palette.py::test_no_type_looks_like_a_fate",
        "app/test_palette.py::test_types_and_fates_are_told_apart_by_everyone",
    ),
    "U10": (
        "app/test_models.py::test_the_open_model_is_marked_with_its_card",
        "app/test_models.py::test_two_models_stand_side_by_side",
        "app/test_models.py::test_a_pruned_model_opens_as_one",
    ),
    "U11": (
        "app/test_window.py::test_menus_stand_in_their_usual_order",
        "app/test_window.py::test_boxes_open_where_the_last_one_of_their_kind_was",
        "app/test_window.py::"
        "test_b_shows_the_dense_masks_while_held_whatever_has_the_focus",
        "app/test_slides.py::test_the_status_bar_says_what_is_under_the_pointer",
        "app/test_nucleus_card.py::test_a_click_shows_the_card_and_nothing_else_does",
    ),
    "U12": (
        "app/test_exporting.py::test_a_folder_holds_what_the_window_shows",
        "app/test_exporting.py::test_u12_a_folder_is_named_told_and_opened",
    ),
    "U13": ("app/test_exporting.py::test_u13_a_message_ends_with_its_cause",),
    "U14": (
        "docs/test_texts.py::test_an_old_wording_is_gone_and_the_new_one_is_there",
    ),
    "A1": (
        "app/test_settings.py::"
        "test_an_older_file_gives_its_plain_words_and_runs_nothing",
        "app/test_settings.py::test_a_bad_file_is_kept_aside_and_told_about",
    ),
    "A2": (
        "app/test_decimal_box.py::test_what_is_typed_is_what_is_meant",
        "app/test_decimal_box.py::test_every_decimal_entry_is_one_of_these",
    ),
    "A3": ("app/test_console.py::test_any_console_gets_every_line",),
    "A4": (
        "app/test_start.py::test_a_display_that_does_not_answer_is_named",
        "distribution/test_metadata.py::"
        "test_what_qt_needs_is_the_same_in_the_guide_and_the_program",
    ),
    "A5": (
        "distribution/test_wheel.py::test_the_wheel_installs_one_package_and_all_of_it",
        "distribution/test_wheel.py::test_the_description_shows_no_broken_picture",
        "app/test_about.py::test_about_names_versions_licences_and_the_folder_of_logs",
    ),
    "A6": ("app/test_start.py::test_onnxruntime_leaves_nothing_behind",),
    "A7": ("app/test_start.py::test_a_signal_saves_and_ends",),
    "A8": (
        "app/test_console.py::test_a_file_alone_is_opened",
        "app/test_console.py::test_without_a_terminal_there_is_a_line_now_and_then",
        "app/test_console.py::test_every_option_is_explained",
        "app/test_console.py::test_a_table_of_trials_says_each_with_its_scores",
        "app/test_window.py::test_screenshot_of_bad_input_is_one_line",
    ),
    "A9": (
        "core/store/test_journal.py::test_a_copy_of_the_file_alone_has_every_trial",
        "core/store/test_journal.py::"
        "test_without_shared_memory_there_is_a_rollback_journal",
    ),
    "A10": (
        "app/test_cli_measuring.py::"
        "test_the_model_and_its_scores_are_there_without_a_latency",
    ),
    "R1": (
        "app/test_start.py::test_onnxruntime_leaves_nothing_behind",
        "app/test_start.py::test_a_round_opens_no_network_socket",
    ),
    "R2": (
        "app/test_faults.py::test_a_fault_is_shown_when_the_slot_has_returned",
        "app/test_faults.py::test_a_window_that_fails_at_each_message_does_not_go_round",
        "core/test_codec.py::test_anything_in_any_field_is_that_field_or_one_sentence",
    ),
    "R3": (
        "app/test_scheduling.py::"
        "test_a_cancelled_pane_is_marked_and_shows_no_result_of_other_settings",
        "app/test_exporting.py::test_r3_a_cancelled_pane_never_leaves_masks_of_another",
    ),
    "R4": (
        "core/models/test_foreign_checkpoints.py::"
        "test_hostile_files_are_refused_with_a_sentence",
        "core/models/test_damage.py::"
        "test_a_plan_cannot_ask_for_more_memory_than_its_tensors",
    ),
    "R5": (
        "app/test_runner.py::"
        "test_whatever_a_plug_in_raises_is_told_and_the_worker_goes_on",
        "app/test_runner.py::"
        "test_work_that_never_looks_at_its_flag_does_not_keep_the_window",
        "core/latency/test_process.py::test_closing_from_another_thread_cancels",
    ),
    "R6": ("core/images/test_colours.py::test_hostile_pictures_take_little_memory",),
    "R7": (
        "core/test_files.py::test_a_failure_leaves_the_old_file_and_nothing_beside_it",
        "app/test_settings.py::test_a_full_disk_leaves_the_file_of_last_time",
        "app/test_sessions.py::test_a_full_disk_is_told_once_and_leaves_the_file",
    ),
    "R8": (
        "core/test_files.py::test_r8_a_folder_is_replaced_whole_or_not_at_all",
        "core/test_files.py::test_r8_what_a_killed_program_left_is_cleared",
    ),
    "R9": (
        "app/test_setup_file.py::test_hostile_settings_are_one_sentence",
        "app/test_sessions.py::test_r9_a_hostile_session_is_one_sentence",
        "core/store/test_reading.py::test_r9_a_store_of_odd_bytes_is_one_sentence",
        "core/images/test_slides.py::test_r9_a_slide_without_pixels_is_one_sentence",
    ),
    "R10": ("app/test_setup_file.py::test_hostile_settings_are_one_sentence",),
    "R11": ("core/models/test_damage.py::test_damaged_bytes",),
    "R12": (
        "core/test_files.py::"
        "test_permissions_are_those_of_the_umask_or_of_the_file_before",
    ),
    "R13": (
        "app/test_hostile_names.py::test_the_report_has_the_same_elements_under_any_name",
        "app/test_hostile_names.py::test_points_are_no_formulas",
        "app/test_hostile_names.py::test_the_model_card_keeps_its_headings",
        "app/test_hostile_names.py::test_a_terminal_is_not_steered",
    ),
    "R14": (
        "core/images/test_colours.py::test_hostile_pictures_take_little_memory",
        "core/test_sources.py::test_a_bar_in_a_file_name_is_part_of_it",
        "core/store/test_database.py::test_r14_a_name_of_sqlite_is_a_file_like_any_other",
        "core/sweep/test_provenance.py::test_r14_asking_for_the_revision_takes_no_lock",
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_tests_that_exist_and_stands_in_the_page(row):
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\| {row} \|.*$", page, re.MULTILINE)
    for test in ROWS[row]:
        path, _, name = test.partition("::")
        text = (ROOT / "tests" / path).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), test
        assert path.rpartition("/")[2] in line, test


def test_no_row_is_left_out():
    last = {"N": 9, "U": 14, "A": 10, "R": 14}
    assert list(ROWS) == [f"{kind}{n + 1}" for kind in last for n in range(last[kind])]
