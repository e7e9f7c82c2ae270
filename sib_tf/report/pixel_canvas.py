"""A canvas measured in pixels."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


class PixelCanvas:
    """A figure drawn in pixels from its top left corner, on which images are not resampled."""

    DPI = 128  # a power of two: pixels / DPI * DPI is exact, or the figure might lose a pixel

    def __init__(self, width: int, height: int) -> None:
        self.figure = Figure(figsize=(width / self.DPI, height / self.DPI), dpi=self.DPI)
        self._height = height
        self._axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()

    def image(self, x: float, y: float, image: np.ndarray) -> None:
        """Puts an image with its top left corner at x, y."""
        self.figure.figimage(image, x, self._height - y - len(image), origin="upper")

    def box(self, x: float, y: float, width: float, height: float, **look: Any) -> None:
        """Adds a rectangle; `look` goes to matplotlib's."""
        self._axes.add_patch(Rectangle((x, y), width, height, **look))

    def text(self, x: float, y: float, text: str, pixels: float, **look: Any) -> None:
        """Writes text of a size; `look` goes to matplotlib's."""
        self._axes.text(x, y, text, fontsize=pixels * 72 / self.DPI, **look)
