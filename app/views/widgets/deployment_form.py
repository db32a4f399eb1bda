"""How networks run: device, threads, patches at once, precision and runtime."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.state.deployment import Available, Deployment
from app.views.widgets.form_parts import combo, section, set_choices, spin

_MOST_THREADS, _MOST_PATCHES = 256, 256
AUTOMATIC = "automatic"


class DeploymentForm(QWidget):
    """Controls that make up a `Deployment`.

    Parameters
    ----------
    parent
        Qt owner.
    everything
        Whether device and patches at once are chosen, too: a sweep runs patch by
        patch on processors.
    """

    changed = Signal()  # by the user

    def __init__(
        self, parent: QWidget | None = None, *, everything: bool = True
    ) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self._device = combo("Device", "What the networks run on.")
        self._runtime = combo("Runtime", "The program that runs the networks.")
        self._precision = combo(
            "Precision", "bfloat16 is faster where there are instructions for it."
        )
        self._threads = spin("Threads", 0, _MOST_THREADS, 0, "")
        self._threads.setSpecialValueText(AUTOMATIC)
        self._threads.setToolTip("Threads of the processor.")
        self._batch = spin("Patches at once", 1, _MOST_PATCHES, 1, "")
        self._batch.setToolTip(
            "Worth it on a GPU. When its memory is too small, fewer are tried."
        )
        for box in (self._device, self._runtime, self._precision):
            box.currentIndexChanged.connect(self._tell)
        for number in (self._threads, self._batch):
            number.valueChanged.connect(self._tell)
        rows: tuple[tuple[QWidget, ...], ...] = (
            (self._device, self._runtime, self._precision),
            (self._threads, self._batch),
        )
        if not everything:
            rows = ((self._runtime, self._precision, self._threads),)
            for unused in (self._device, self._batch):
                unused.setParent(self)
                unused.hide()
        for row, controls in enumerate(rows):
            for place, control in enumerate(controls):
                grid.addWidget(section(control.accessibleName()), 2 * row, place)
                grid.addWidget(control, 2 * row + 1, place)
                grid.setColumnStretch(place, 1)
        self.set_available(Available())

    @property
    def deployment(self) -> Deployment:
        """What the controls say."""
        return Deployment(
            self._threads.value(),
            self._batch.value(),
            str(self._precision.currentData()),
            str(self._device.currentData()),
            str(self._runtime.currentData()),
        )

    def set_available(self, found: Available) -> None:
        """Offer what this computer has; silent."""
        set_choices(self._device, found.devices)
        set_choices(self._precision, found.precisions)
        # bfloat16 is a precision of torch here, not a runtime of its own
        runtimes = [each for each in found.runtimes if "bfloat16" not in each.key]
        set_choices(self._runtime, runtimes)

    def _tell(self, *_: object) -> None:
        self.changed.emit()
