"""Puts the windows of whole slides and of runtimes behind their commands.

Each is made when it is first asked for: most windows need neither.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

if TYPE_CHECKING:
    from PySide6.QtWidgets import QDialog

    from app.controllers.controller import Controller
    from app.controllers.deployment.comparing import Comparing
    from app.controllers.deployment.slide_running import SlideRunning
    from app.state.store import Store
    from app.state.values import Opened
    from app.views.main_window.window import Window
    from app.worker.runner import Runner
    from core.sources import Source


class DeploymentWindows(QObject):
    """What happens when a whole slide, or the runtimes, are asked for.

    Parameters
    ----------
    window
        Its owner; closing it ends what runs.
    store
        Says which model and tile are open.
    runner
        Reads files.
    controller
        Opens parts of slides that are clicked.
    """

    def __init__(
        self,
        window: "Window",
        store: "Store",
        runner: "Runner",
        controller: "Controller",
    ) -> None:
        super().__init__(window)
        self._window, self._store, self._runner = window, store, runner
        self._controller = controller
        self.slides: SlideRunning | None = None
        self.runtimes: Comparing | None = None
        self._shown: dict[str, QDialog] = {}
        window.slideRunAsked.connect(self.show_slides)
        window.runtimesAsked.connect(self.show_runtimes)
        window.closing.connect(self.close)
        controller.presenter.openedShown.connect(self._on_opened)

    @Slot()
    def show_slides(self) -> None:
        """Bring the window of whole slides to the front."""
        if self.slides is None:
            from app.controllers.deployment.slide_running import SlideRunning
            from app.views.panels.slide_run import SlideRunWindow

            panel = SlideRunWindow(self._window)
            self.slides = SlideRunning(
                panel, self._store, self._runner, self._open_part
            )
            self._shown["slides"] = panel
        self.slides.set_opened(self._store.state.opened)
        _raise(self._shown["slides"])

    @Slot()
    def show_runtimes(self) -> None:
        """Bring the window of runtimes to the front."""
        if self.runtimes is None:
            from app.controllers.deployment.comparing import Comparing
            from app.views.panels.runtimes import RuntimesWindow

            panel = RuntimesWindow(self._window)
            self.runtimes = Comparing(panel, self._store, self._runner)
            self._shown["runtimes"] = panel
        self.runtimes.set_opened(self._store.state.opened)
        _raise(self._shown["runtimes"])

    def _open_part(self, source: "Source") -> None:
        self._controller.open("", source)
        self._window.raise_()
        self._window.activateWindow()

    @Slot()
    def close(self) -> None:
        """End what runs."""
        for each in (self.slides, self.runtimes):
            if each is not None:
                each.close()
        self.slides = self.runtimes = None
        self._shown.clear()

    @Slot(object)
    def _on_opened(self, opened: "Opened") -> None:
        for each in (self.slides, self.runtimes):
            if each is not None:
                each.set_opened(opened)


def _raise(panel: "QDialog") -> None:
    panel.show()
    panel.raise_()
    panel.activateWindow()
