"""Where work is done: in one process, by workers here, or by those of a cluster."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.state.machines import Machines
from app.views.widgets.form_parts import line, section, spin
from app.views.widgets.segments import Segments

_KINDS = (
    ("here", "One process", "Run in one process of this computer."),
    ("workers", "Workers here", "Run in several processes of this computer."),
    ("cluster", "Cluster", "Run on the workers of a Dask scheduler."),
)
_TRUST = (
    "Whoever reaches a scheduler can run programs on its workers, and it can run "
    "programs here: name one that you trust."
)


class MachinesForm(QWidget):
    """Controls that make up a `Machines`."""

    changed = Signal()  # by the user

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(section("Machines"))
        row = QHBoxLayout()
        self._kinds = Segments("Machines", _KINDS)
        self._kinds.chosen.connect(self._on_kind)
        row.addWidget(self._kinds, 1)
        self._workers = spin("Workers", 1, 64, 2, "")
        self._workers.setToolTip("Processes to start; each takes its own memory.")
        self._workers.valueChanged.connect(self._tell)
        row.addWidget(self._workers)
        column.addLayout(row)
        self._scheduler = line("Address of the scheduler", "tcp://node1:8786")
        self._scheduler.setToolTip(_TRUST)
        self._scheduler.textEdited.connect(self._tell)
        column.addWidget(self._scheduler)
        self._arrange()

    @property
    def machines(self) -> Machines:
        """What the controls say."""
        address = self._scheduler.text().strip()
        return Machines(self._kinds.choice, address, self._workers.value())

    def _arrange(self) -> None:
        self._workers.setVisible(self._kinds.choice == "workers")
        self._scheduler.setVisible(self._kinds.choice == "cluster")

    def _on_kind(self, _: str) -> None:
        self._arrange()
        self._tell()

    def _tell(self, *_: object) -> None:
        self.changed.emit()
