"""The parts of the window. Setters are silent, user actions emit; none decides."""
