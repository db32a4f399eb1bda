"""Puts the sweep window behind its button, made when it is first asked for."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from app.controllers.controller import Controller
    from app.controllers.sweeps.sweeping import Sweeping
    from app.state.store import Store
    from app.state.values import Opened
    from app.views.main_window.window import Window
    from app.views.panels.sweep import SweepWindow
    from app.worker.runner import Runner


class SweepButton(QObject):
    """What happens when a sweep is asked for.

    Parameters
    ----------
    window
        Its owner; closing it ends a sweep that runs.
    store
        Says which model and tile are open.
    runner
        Reads stores.
    controller
        Goes to states that are clicked.
    """

    def __init__(
        self,
        window: "Window",
        store: "Store",
        runner: "Runner",
        controller: "Controller",
    ) -> None:
        super().__init__(window)
        self._runner = runner
        self._window, self._store = window, store
        self._controller = controller
        self.sweeping: Sweeping | None = None
        self.panel: SweepWindow | None = None
        window.sweepAsked.connect(self.show)
        window.closing.connect(self.close)
        controller.presenter.openedShown.connect(self._on_opened)
        controller.presenter.layersLocked.connect(self._on_locked)

    @Slot()
    def show(self) -> None:
        """Bring the sweep window to the front."""
        if self.panel is None:
            # late: most windows never sweep, and all shall be there at once
            from app.controllers.sweeps.sweeping import Sweeping
            from app.views.panels.sweep import SweepWindow

            self.panel = SweepWindow(self._window)
            self.sweeping = Sweeping(
                self.panel, self._runner, self._controller.go_to, self._window
            )
            self.sweeping.set_opened(self._store.state.opened)
            self.sweeping.set_locked(self._store.state.request.locked)
        self.panel.show()
        self.panel.raise_()
        self.panel.activateWindow()

    @Slot()
    def close(self) -> None:
        """End a sweep that runs."""
        if self.sweeping is not None:
            self.sweeping.close()
        self.sweeping = self.panel = None

    @Slot(object)
    def _on_opened(self, opened: "Opened") -> None:
        if self.sweeping is not None:
            self.sweeping.set_opened(opened)

    @Slot(tuple)
    def _on_locked(self, names: tuple[str, ...]) -> None:
        if self.sweeping is not None:
            self.sweeping.set_locked(names)
