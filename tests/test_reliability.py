"""Each row of reliability and security (R1 to R14) names the tests that hold it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROWS = {
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
    assert list(ROWS) == [f"R{number}" for number in range(1, 15)]
