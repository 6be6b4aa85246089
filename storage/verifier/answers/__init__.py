"""Checks of answers: that each question has one, and that each is what was read or replied."""
